// Package math is the host module @math: the stock math module of go.starlark.net.
package math

import (
	"math"

	"github.com/larkspur-web/larkspur/runtime/host"
	starmath "go.starlark.net/lib/math"
	"go.starlark.net/starlark"
)

// Module describes @math.
func Module() *host.Module {
	members := []host.Member{
		{Name: "e", Doc: "The base of natural logarithms."},
		{Name: "pi", Doc: "The circumference of a circle by its diameter."},
	}
	for _, f := range functions() {
		m := host.Member{
			Name: f.name, Doc: f.doc, Result: "a float", Example: f.example, Pure: true,
		}
		if f.name == "ceil" || f.name == "floor" {
			m.Result = "an int"
		}
		for _, name := range f.params {
			p := host.Param{Name: name, Doc: "a number", Type: "float or int"}
			p.Pass = host.ByPosition
			if name == "base" {
				p.Default = starlark.Float(math.E)
			}
			m.Params = append(m.Params, p)
		}
		members = append(members, m)
	}
	for i := range members {
		members[i].Value = starmath.Module.Members[members[i].Name]
	}
	return &host.Module{
		Name: "math",
		Doc:  "Functions of numbers.",
		Members: []host.Member{
			{Name: "math", Doc: "The functions and constants of the module.", Members: members},
		},
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
		{"ceil", one, "Returns the least integer not below x.", "math.ceil(1.2)  # 2"},
		{"floor", one, "Returns the greatest integer not above x.", "math.floor(-1.2)  # -2"},
		{"round", one, "Returns the nearest integer, .5 away from 0.", "math.round(2.5)  # 3.0"},
		{"fabs", one, "Returns the absolute value of x.", "math.fabs(-2)  # 2.0"},
		{"copysign", two, "Returns x with the sign of y.", "math.copysign(3, -1)  # -3.0"},
		{"mod", two, "Returns what x / y leaves, with the sign of x.", "math.mod(-7, 3)  # -1.0"},
		{"remainder", two, "Returns the remainder of IEEE 754.", "math.remainder(7, 4)  # -1.0"},
		{"pow", two, "Returns x to the power of y.", "math.pow(2, 10)  # 1024.0"},
		{"sqrt", one, "Returns the square root of x.", "math.sqrt(9)  # 3.0"},
		{"exp", one, "Returns e to the power of x.", "math.exp(0)  # 1.0"},
		{"log", []string{"x", "base"}, "Returns the logarithm of x.", "math.log(8, 2)  # 3.0"},
		{"gamma", one, "Returns the Gamma function of x.", "math.gamma(5)  # 24.0"},
		{"hypot", two, "Returns the length of the vector (x, y).", "math.hypot(3, 4)  # 5.0"},
		{"degrees", one, "Returns in degrees an angle of x radians.", "math.degrees(0)  # 0.0"},
		{"radians", one, "Returns in radians an angle of x degrees.", "math.radians(0)  # 0.0"},
		{"sin", one, "Returns the sine of x radians.", "math.sin(0)  # 0.0"},
		{"cos", one, "Returns the cosine of x radians.", "math.cos(0)  # 1.0"},
		{"tan", one, "Returns the tangent of x radians.", "math.tan(0)  # 0.0"},
		{"asin", one, "Returns in radians the angle whose sine is x.", "math.asin(0)  # 0.0"},
		{"acos", one, "Returns in radians the angle whose cosine is x.", "math.acos(1)  # 0.0"},
		{"atan", one, "Returns in radians the angle whose tangent is x.", "math.atan(0)  # 0.0"},
		{
			"atan2", []string{"y", "x"},
			"Returns the angle of the vector (x, y), from -pi to pi radians.",
			"math.atan2(0, 1)  # 0.0",
		},
		{"sinh", one, "Returns the hyperbolic sine of x.", "math.sinh(0)  # 0.0"},
		{"cosh", one, "Returns the hyperbolic cosine of x.", "math.cosh(0)  # 1.0"},
		{"tanh", one, "Returns the hyperbolic tangent of x.", "math.tanh(0)  # 0.0"},
		{"asinh", one, "Returns the inverse hyperbolic sine of x.", "math.asinh(0)  # 0.0"},
		{"acosh", one, "Returns the inverse hyperbolic cosine of x.", "math.acosh(1)  # 0.0"},
		{"atanh", one, "Returns the inverse hyperbolic tangent of x.", "math.atanh(0)  # 0.0"},
	}
}
