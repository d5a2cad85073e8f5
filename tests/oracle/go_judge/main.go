// SPDX-License-Identifier: Apache-2.0

// Executes templates by Go's own text/template with the functions of Docker's --format, as the
// judge of Veneer's.
//
// Standard input is {"documents": [...], "cases": [{"document": I, "template": "..."}]}; standard
// output has one line for each case: "ok HEX" with the bytes of the text, or "error MESSAGE".
//
// Docker gives templates structs, while a JSON document decoded by Go is made of maps, in which no
// field is ever missing. So the types are built as tools/format/go_value.h says: an object is a
// struct, unless it stands under a name of which Docker's documents have a map, or has a member
// whose name no struct can show; null is a nil map, list or pointer.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"text/template"
)

var maps = words("Annotations Data ExposedPorts Labels Options Volumes")
var lists = words("Blobs Cmd Entrypoint Env Images Layers Mounts OnBuild RepoDigests RepoTags Shell ToDo")

func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(text) {
		set[word] = true
	}
	return set
}

var anyType = reflect.TypeOf((*interface{})(nil)).Elem()

func exported(name string) bool {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if i == 0 && !(c >= 'A' && c <= 'Z') || !letter && c != '_' && !(c >= '0' && c <= '9') {
			return false
		}
	}
	return name != ""
}

type member struct {
	name  string
	value interface{}
}

type object []member

// The document with its members in their order.
func read(decoder *json.Decoder) interface{} {
	token, err := decoder.Token()
	if err != nil {
		panic(err)
	}
	switch token {
	case json.Delim('{'):
		result := object{}
		for decoder.More() {
			name, _ := decoder.Token()
			result = append(result, member{name.(string), read(decoder)})
		}
		decoder.Token()
		return result
	case json.Delim('['):
		result := []interface{}{}
		for decoder.More() {
			result = append(result, read(decoder))
		}
		decoder.Token()
		return result
	}
	return token
}

// The type that all have, else interface{}.
func common(values []reflect.Value) reflect.Type {
	if len(values) == 0 {
		return reflect.TypeOf("")
	}
	result := anyType
	for i, value := range values {
		if !value.IsValid() || i > 0 && value.Type() != result {
			return anyType
		}
		result = value.Type()
	}
	return result
}

func set(to reflect.Value, value reflect.Value) {
	if value.IsValid() {
		to.Set(value)
	}
}

func typedList(items []interface{}) reflect.Value {
	values := []reflect.Value{}
	for _, item := range items {
		values = append(values, typed(item, "", false))
	}
	result := reflect.MakeSlice(reflect.SliceOf(common(values)), len(values), len(values))
	for i, value := range values {
		set(result.Index(i), value)
	}
	return result
}

func typedObject(members object, name string) reflect.Value {
	isMap := maps[name]
	for _, one := range members {
		isMap = isMap || !exported(one.name)
	}
	values := []reflect.Value{}
	for _, one := range members {
		values = append(values, typed(one.value, one.name, !isMap))
	}
	if isMap {
		element := common(values)
		result := reflect.MakeMap(reflect.MapOf(reflect.TypeOf(""), element))
		for i, one := range members {
			value := values[i]
			if !value.IsValid() {
				value = reflect.Zero(element)
			}
			result.SetMapIndex(reflect.ValueOf(one.name), value)
		}
		return result
	}
	fields := []reflect.StructField{}
	for i, one := range members {
		fields = append(fields, reflect.StructField{Name: one.name, Type: values[i].Type()})
	}
	result := reflect.New(reflect.StructOf(fields)).Elem()
	for i, value := range values {
		result.Field(i).Set(value)
	}
	return result
}

// Invalid for a null that is no member of a struct.
func typed(value interface{}, name string, inStruct bool) reflect.Value {
	switch value := value.(type) {
	case object:
		return typedObject(value, name)
	case []interface{}:
		return typedList(value)
	case json.Number:
		if whole, err := strconv.ParseInt(value.String(), 10, 64); err == nil {
			return reflect.ValueOf(int(whole))
		}
		float, err := value.Float64()
		if err != nil {
			panic(err)
		}
		return reflect.ValueOf(float)
	case nil:
		switch {
		case !inStruct:
			return reflect.Value{}
		case maps[name]:
			return reflect.Zero(typedObject(object{}, name).Type())
		case lists[name]:
			return reflect.Zero(typedList(nil).Type())
		}
		return reflect.ValueOf((*struct{})(nil))
	}
	return reflect.ValueOf(value)
}

// Those of github.com/docker/cli/templates.
var functions = template.FuncMap{
	"json": func(value interface{}) string {
		buffer := &bytes.Buffer{}
		encoder := json.NewEncoder(buffer)
		encoder.SetEscapeHTML(false)
		encoder.Encode(value)
		return strings.TrimSpace(buffer.String())
	},
	"split": strings.Split,
	"join":  strings.Join,
	"title": strings.Title,
	"lower": strings.ToLower,
	"upper": strings.ToUpper,
	"pad": func(source string, prefix, suffix int) string {
		if source == "" {
			return source
		}
		return strings.Repeat(" ", prefix) + source + strings.Repeat(" ", suffix)
	},
	"truncate": func(source string, length int) string {
		if len(source) < length {
			return source
		}
		return source[:length]
	},
}

func execute(text string, document interface{}) (output []byte, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	parsed, err := template.New("").Funcs(functions).Parse(text)
	if err != nil {
		return nil, err
	}
	buffer := &bytes.Buffer{}
	err = parsed.Execute(buffer, document)
	return buffer.Bytes(), err
}

func main() {
	var input struct {
		Documents []json.RawMessage
		Cases     []struct {
			Document int
			Template string
		}
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	documents := []interface{}{}
	for _, raw := range input.Documents {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		documents = append(documents, typed(read(decoder), "", true).Interface())
	}
	writer := bufio.NewWriter(os.Stdout)
	defer writer.Flush()
	for _, one := range input.Cases {
		output, err := execute(one.Template, documents[one.Document])
		if err != nil {
			fmt.Fprintln(writer, "error", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintln(writer, "ok", hex.EncodeToString(output))
		}
	}
}
