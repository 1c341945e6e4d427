package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// configFile gives flags the values of the file that --config names. A key is a
// flag's name; below [command] or [command.subcommand] it is for that command
// alone and wins over the same key above.
type configFile struct {
	name   string
	values map[string]any
}

// Validate has nothing to say: the file is not known yet.
func (c *configFile) Validate(*kong.Application) error { return nil }

// Resolve finds a flag's value in the file, nil when the file or the key is not
// there or the environment has a value.
func (c *configFile) Resolve(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	if err := c.load(ctx); err != nil || c.values == nil || flag.Name == "config" {
		return nil, err
	}
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, nil
		}
	}
	tables := []map[string]any{c.values}
	at := c.values
	path := commandPath(parent.Node())
	if of := parent.Node().Tag.Get("settings"); of != "" { // it is about another command's
		path = []string{of}
	}
	for _, name := range path {
		next, ok := at[name].(map[string]any)
		if !ok {
			break
		}
		tables, at = append(tables, next), next
	}
	for _, t := range slices.Backward(tables) {
		if v, ok := t[flag.Name]; ok {
			return flagValue(v), nil
		}
	}
	return nil, nil
}

// load reads the file once.
func (c *configFile) load(ctx *kong.Context) error {
	name := ""
	for _, flag := range ctx.Model.Flags {
		if flag.Name == "config" {
			name, _ = ctx.FlagValue(flag).(string)
		}
	}
	if name == "" || name == c.name {
		return nil
	}
	values := map[string]any{}
	if _, err := toml.DecodeFile(name, &values); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return fmt.Errorf("%s: %s", name, syntax.ErrorWithPosition())
		}
		return err
	}
	if err := checkKeys(ctx.Model.Node, values, nil); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c.name, c.values = name, values
	return nil
}

// checkKeys refuses a key that no flag at or below node has: it is a slip of the
// pen, and the setting would be missed silently.
func checkKeys(node *kong.Node, values map[string]any, path []string) error {
	for key, v := range values {
		full := append(slices.Clone(path), key)
		if table, ok := v.(map[string]any); ok {
			child := childNamed(node, key)
			if child == nil {
				return fmt.Errorf("there is no command %q", strings.Join(full, " "))
			}
			if err := checkKeys(child, table, full); err != nil {
				return err
			}
			continue
		}
		if !hasFlag(node, key) {
			return fmt.Errorf("no flag of this command is named %q", strings.Join(full, "."))
		}
	}
	return nil
}

func childNamed(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

func hasFlag(node *kong.Node, name string) bool {
	return slices.ContainsFunc(node.Flags, func(f *kong.Flag) bool { return f.Name == name }) ||
		slices.ContainsFunc(node.Children, func(child *kong.Node) bool { return hasFlag(child, name) })
}

// commandPath is the words of a command, without the program's name.
func commandPath(node *kong.Node) (path []string) {
	for ; node != nil && node.Parent != nil; node = node.Parent {
		path = append(path, node.Name)
	}
	slices.Reverse(path)
	return path
}

// flagValue is a value of the file as it would stand on the command line.
func flagValue(v any) any {
	switch v := v.(type) {
	case bool:
		return v
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			texts[i] = fmt.Sprint(item)
		}
		return strings.Join(texts, ",")
	}
	return fmt.Sprint(v)
}
