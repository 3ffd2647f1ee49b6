// Measures what Go takes for the inputs of benches/beside_go.rs: one case or one number of repetitions per line of
// standard input. A case becomes the current one and is answered with its output, a number with its nanoseconds.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"text/template"
	"time"

	"github.com/tidwall/gjson"
)

type question struct {
	Repeat   int
	Parse    string
	Template string
	Path     string
	Json     string
}

type answer struct {
	Nanoseconds int64
	Output      []byte
}

func main() {
	questions := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	answers := json.NewEncoder(os.Stdout)
	var run func() []byte
	for {
		var q question
		if questions.Decode(&q) != nil {
			return
		}
		if q.Repeat == 0 {
			run = operation(q)
			answers.Encode(answer{Output: run()})
			continue
		}
		start := time.Now()
		for range q.Repeat {
			sink = run()
		}
		answers.Encode(answer{Nanoseconds: time.Since(start).Nanoseconds()})
	}
}

// Kept, so that no result is optimised away.
var sink []byte

// Kept as a string: turning it into bytes would be work that nobody asked for.
var text string

func operation(q question) func() []byte {
	switch {
	case q.Parse != "":
		return func() []byte {
			must(template.New("t").Parse(q.Parse))
			return nil
		}
	case q.Template != "":
		parsed := must(template.New("t").Parse(q.Template))
		var data any
		if err := json.Unmarshal([]byte(q.Json), &data); err != nil {
			panic(err)
		}
		return func() []byte {
			var out bytes.Buffer
			if err := parsed.Execute(&out, data); err != nil {
				panic(err)
			}
			return out.Bytes()
		}
	default:
		first := true
		return func() []byte {
			text = gjson.Get(q.Json, q.Path).String()
			if first {
				first = false
				return []byte(text)
			}
			return nil
		}
	}
}

func must(parsed *template.Template, err error) *template.Template {
	if err != nil {
		panic(err)
	}
	return parsed
}
