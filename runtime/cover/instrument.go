package cover

import (
	"strconv"

	"go.starlark.net/syntax"
)

// An instrumenter puts a call of the counter before each statement of one file.
type instrumenter struct {
	first int // the index of the file's first statement
	stmts []span
}

// block returns stmts with their counters, and changes the blocks inside them.
func (i *instrumenter) block(stmts []syntax.Stmt) []syntax.Stmt {
	out := make([]syntax.Stmt, 0, 2*len(stmts))
	for n, stmt := range stmts {
		if counted(stmt, n == 0) {
			out = append(out, i.counter(stmt))
		}
		switch s := stmt.(type) {
		case *syntax.DefStmt:
			s.Body = i.block(s.Body)
		case *syntax.IfStmt:
			s.True, s.False = i.block(s.True), i.block(s.False)
		case *syntax.ForStmt:
			s.Body = i.block(s.Body)
		case *syntax.WhileStmt:
			s.Body = i.block(s.Body)
		}
		out = append(out, stmt)
	}
	return out
}

// counted reports whether a statement does anything: a doc string does not, which must also stay
// the first statement of its block, and load and pass do not either.
func counted(stmt syntax.Stmt, first bool) bool {
	switch s := stmt.(type) {
	case *syntax.LoadStmt:
		return false
	case *syntax.BranchStmt:
		return s.Token != syntax.PASS
	case *syntax.ExprStmt:
		text, ok := s.X.(*syntax.Literal)
		return !ok || !first || text.Token != syntax.STRING
	}
	return true
}

func (i *instrumenter) counter(stmt syntax.Stmt) syntax.Stmt {
	at, end := head(stmt)
	n := i.first + len(i.stmts)
	i.stmts = append(i.stmts, span{int(at.Line), int(end.Line)})
	index := &syntax.Literal{Token: syntax.INT, TokenPos: at, Raw: strconv.Itoa(n), Value: int64(n)}
	return &syntax.ExprStmt{X: &syntax.CallExpr{
		Fn:     &syntax.Ident{NamePos: at, Name: name},
		Lparen: at,
		Args:   []syntax.Expr{index},
		Rparen: at,
	}}
}

// head is where a statement begins, and where it ends, or its head does.
func head(stmt syntax.Stmt) (from, to syntax.Position) {
	from, to = stmt.Span()
	switch s := stmt.(type) {
	case *syntax.DefStmt:
		to = s.Rparen
	case *syntax.IfStmt:
		from = s.If
		_, to = s.Cond.Span()
	case *syntax.ForStmt:
		_, to = s.X.Span()
	case *syntax.WhileStmt:
		_, to = s.Cond.Span()
	}
	return from, to
}
