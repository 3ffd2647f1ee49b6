// Answers questions about Go modules that ESO uses, one JSON line for each JSON line.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"

	"github.com/tidwall/gjson"
	"sigs.k8s.io/yaml"
)

type question struct {
	Json []byte
	Path []byte
	Yaml []byte
}

type answer struct {
	Panic  bool
	Random bool
	Exists bool
	Text   []byte
	Raw    []byte
	Error  string
}

func main() {
	ask := map[string]func(question) answer{"gjson": get, "yaml-read": readYAML, "yaml-map": readMap, "yaml-write": writeYAML}[os.Args[1]]
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	questions := json.NewDecoder(in)
	answers := json.NewEncoder(out)
	for {
		var q question
		if questions.Decode(&q) != nil {
			return
		}
		answers.Encode(guarded(ask, q))
	}
}

func guarded(ask func(question) answer, q question) (a answer) {
	defer func() {
		if recover() != nil {
			a = answer{Panic: true}
		}
	}()
	a = ask(q)
	// Maps have no order in Go, and sometimes that shows.
	for range 7 {
		if !bytes.Equal(ask(q).Text, a.Text) {
			return answer{Random: true}
		}
	}
	return a
}

func get(q question) answer {
	r := gjson.GetBytes(q.Json, string(q.Path))
	return answer{Exists: r.Exists(), Text: []byte(r.String()), Raw: []byte(r.Raw)}
}

func readYAML(q question) answer {
	out, err := yaml.YAMLToJSON(q.Yaml)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Exists: true, Text: out}
}

func readMap(q question) answer {
	m := map[string]string{}
	if err := yaml.Unmarshal(q.Yaml, &m); err != nil {
		return answer{Error: err.Error()}
	}
	out, _ := json.Marshal(m)
	return answer{Exists: true, Text: out}
}

func writeYAML(q question) answer {
	var tree any
	if err := json.Unmarshal(q.Json, &tree); err != nil {
		return answer{Error: err.Error()}
	}
	out, err := yaml.Marshal(tree)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Exists: true, Text: out}
}
