// Answers questions about Go's standard library, one JSON line for each JSON line.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"os"
	"regexp"
	"strconv"
	"time"
)

type question struct {
	Text      []byte
	Pattern   []byte
	Template  []byte
	Limit     int
	Bits      uint64
	Format    string
	Precision int
	Size      int
	Base      int
}

type answer struct {
	Ok    bool
	Text  []byte
	Bits  uint64
	Error string
}

func main() {
	ask := map[string]func(question) answer{
		"format-float":    formatFloat,
		"parse-float":     parseFloat,
		"parse-int":       parseInt,
		"parse-duration":  parseDuration,
		"format-duration": formatDuration,
		"base64":          decodeBase64,
		"json-tree":       readTree,
		"json-object":     readObject,
		"regexp":          search,
	}[os.Args[1]]
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	questions := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	answers := json.NewEncoder(out)
	for {
		var q question
		if questions.Decode(&q) != nil {
			return
		}
		answers.Encode(ask(q))
	}
}

func formatFloat(q question) answer {
	value := math.Float64frombits(q.Bits)
	return answer{Ok: true, Text: []byte(strconv.FormatFloat(value, q.Format[0], q.Precision, q.Size))}
}

func parseFloat(q question) answer {
	value, err := strconv.ParseFloat(string(q.Text), q.Size)
	return answer{Ok: err == nil, Bits: math.Float64bits(value)}
}

func parseInt(q question) answer {
	value, err := strconv.ParseInt(string(q.Text), q.Base, q.Size)
	return answer{Ok: err == nil, Bits: uint64(value)}
}

func parseDuration(q question) answer {
	value, err := time.ParseDuration(string(q.Text))
	return answer{Ok: err == nil, Bits: uint64(value)}
}

func formatDuration(q question) answer {
	return answer{Ok: true, Text: []byte(time.Duration(q.Bits).String())}
}

func decodeBase64(q question) answer {
	encodings := []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding}
	value, err := encodings[q.Base].DecodeString(string(q.Text))
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Ok: true, Text: value}
}

// readTree reads a document and writes it in four ways.
func readTree(q question) answer {
	var tree any
	if json.Unmarshal(q.Text, &tree) != nil {
		return answer{}
	}
	escaped, _ := json.Marshal(tree)
	var kept bytes.Buffer
	encoder := json.NewEncoder(&kept)
	encoder.SetEscapeHTML(false)
	encoder.Encode(tree)
	var lines bytes.Buffer
	json.Indent(&lines, bytes.TrimSpace(q.Text), "", "  ")
	return answer{Ok: true, Text: bytes.Join([][]byte{escaped, bytes.TrimSuffix(kept.Bytes(), []byte("\n")), lines.Bytes()}, []byte{0})}
}

// readObject makes the data of a Secret out of a document.
func readObject(q question) answer {
	var object map[string]json.RawMessage
	if json.Unmarshal(q.Text, &object) != nil {
		return answer{}
	}
	data := map[string][]byte{}
	for key, raw := range object {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			data[key] = []byte(text)
		} else {
			data[key] = raw
		}
	}
	out, _ := json.Marshal(data)
	return answer{Ok: true, Text: out}
}

func search(q question) answer {
	re, err := regexp.Compile(string(q.Pattern))
	if err != nil {
		return answer{Error: err.Error()}
	}
	text := string(q.Text)
	out, _ := json.Marshal([][][]byte{
		all(re.FindAllString(text, q.Limit)),
		all(re.Split(text, q.Limit)),
		all([]string{
			re.FindString(text),
			re.ReplaceAllString(text, string(q.Template)),
			re.ReplaceAllLiteralString(text, string(q.Template)),
			regexp.QuoteMeta(text),
		}),
	})
	return answer{Ok: true, Text: out}
}

func all(texts []string) [][]byte {
	out := make([][]byte, 0, len(texts))
	for _, text := range texts {
		out = append(out, []byte(text))
	}
	return out
}
