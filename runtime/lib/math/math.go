// Package math is the host module @math: the stock math module of go.starlark.net.
package math

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	starmath "go.starlark.net/lib/math"
	"go.starlark.net/starlark"
)

// Module describes @math.
func Module() *host.Module {
	var members []host.Member
	for _, f := range functions() {
		m := host.Member{
			Name: f.name, Doc: f.doc, Result: "a float", Example: f.example, Pure: true,
			Value: starmath.Module.Members[f.name],
		}
		if f.name == "ceil" || f.name == "floor" {
			m.Result = "an int"
		}
		for _, name := range f.params {
			m.Params = append(m.Params, host.Param{Name: name, Doc: "a number", Type: "float or int", Pass: host.ByPosition})
		}
		if f.name == "log" {
			m.Params[1].Default = starlark.Float(2.718281828459045)
		}
		members = append(members, m)
	}
	members = append(members,
		host.Member{Name: "e", Doc: "The base of natural logarithms.", Value: starmath.Module.Members["e"]},
		host.Member{Name: "pi", Doc: "The circumference of a circle by its diameter.", Value: starmath.Module.Members["pi"]},
	)
	return &host.Module{
		Name:    "math",
		Doc:     "Functions of numbers.",
		Members: []host.Member{{Name: "math", Doc: "The functions and constants of the module.", Members: members}},
	}
}

// A function is a row of the table of functions.
type function struct {
	name    string
	params  []string
	doc     string
	example string
}

func functions() []function {
	one, two := []string{"x"}, []string{"x", "y"}
	return []function{
		{"ceil", one, "Returns the smallest integer that is not less than x.", "math.ceil(1.2)  # 2"},
		{"floor", one, "Returns the largest integer that is not greater than x.", "math.floor(-1.2)  # -2"},
		{"round", one, "Returns the nearest integer, away from zero of two that are as near.", "math.round(2.5)  # 3.0"},
		{"fabs", one, "Returns the absolute value of x.", "math.fabs(-2)  # 2.0"},
		{"copysign", two, "Returns x with the sign of y.", "math.copysign(3, -1)  # -3.0"},
		{"mod", two, "Returns the remainder of x / y, with the sign of x.", "math.mod(-7, 3)  # -1.0"},
		{"remainder", two, "Returns the remainder of IEEE 754 of x / y.", "math.remainder(7, 4)  # -1.0"},
		{"pow", two, "Returns x to the power of y.", "math.pow(2, 10)  # 1024.0"},
		{"sqrt", one, "Returns the square root of x.", "math.sqrt(9)  # 3.0"},
		{"exp", one, "Returns e to the power of x.", "math.exp(0)  # 1.0"},
		{"log", []string{"x", "base"}, "Returns the logarithm of x.", "math.log(8, 2)  # 3.0"},
		{"gamma", one, "Returns the Gamma function of x.", "math.gamma(5)  # 24.0"},
		{"hypot", two, "Returns the length of the vector (x, y).", "math.hypot(3, 4)  # 5.0"},
		{"degrees", one, "Returns in degrees an angle of x radians.", "math.degrees(math.pi)  # 180.0"},
		{"radians", one, "Returns in radians an angle of x degrees.", "math.radians(180) == math.pi  # True"},
		{"sin", one, "Returns the sine of x radians.", "math.sin(0)  # 0.0"},
		{"cos", one, "Returns the cosine of x radians.", "math.cos(0)  # 1.0"},
		{"tan", one, "Returns the tangent of x radians.", "math.tan(0)  # 0.0"},
		{"asin", one, "Returns in radians the angle whose sine is x.", "math.asin(0)  # 0.0"},
		{"acos", one, "Returns in radians the angle whose cosine is x.", "math.acos(1)  # 0.0"},
		{"atan", one, "Returns in radians the angle whose tangent is x.", "math.atan(0)  # 0.0"},
		{"atan2", []string{"y", "x"}, "Returns the angle of the vector (x, y), in radians from -pi to pi.", "math.atan2(0, 1)  # 0.0"},
		{"sinh", one, "Returns the hyperbolic sine of x.", "math.sinh(0)  # 0.0"},
		{"cosh", one, "Returns the hyperbolic cosine of x.", "math.cosh(0)  # 1.0"},
		{"tanh", one, "Returns the hyperbolic tangent of x.", "math.tanh(0)  # 0.0"},
		{"asinh", one, "Returns the inverse hyperbolic sine of x.", "math.asinh(0)  # 0.0"},
		{"acosh", one, "Returns the inverse hyperbolic cosine of x.", "math.acosh(1)  # 0.0"},
		{"atanh", one, "Returns the inverse hyperbolic tangent of x.", "math.atanh(0)  # 0.0"},
	}
}
