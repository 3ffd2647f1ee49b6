// Answers templates on standard input, one JSON string per line, with what text/template makes of them.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

type answer struct {
	Phase string `json:"phase"`
	Out   []byte `json:"out"`
	Error string `json:"error"`
}

func main() {
	data := map[string]any{
		"s": "text", "empty": "", "n": 3, "f": 1.5, "t": true, "nil": nil, "big": 1e21, "bytes": "\xffa\x00",
		"list": []any{1, "two", 3.0, nil, []any{"in"}}, "none": []any{}, "strs": []string{"b", "a"},
		"map":      map[string]any{"a": 1, "b": map[string]any{"c": "deep"}, "nil": nil},
		"smap":     map[string]string{"k": "v", "x-y": "z"},
		"function": func(a, b int) int { return a + b },
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			panic(err)
		}
		_ = out.Encode(run(text, data))
	}
}

func run(text string, data any) answer {
	parsed, err := template.New("t").Option("missingkey=error").Parse(text)
	if err != nil {
		return answer{Phase: "parse", Error: err.Error()}
	}
	var b strings.Builder
	if err := parsed.Execute(&b, data); err != nil {
		return answer{Phase: "exec", Error: err.Error()}
	}
	return answer{Phase: "ok", Out: []byte(b.String())}
}
