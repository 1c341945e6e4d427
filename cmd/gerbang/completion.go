package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints a few lines of shell that ask this program, on every
// press of the key, what may follow: "gerbang __complete" and the words so far, the
// unfinished one last. So the shells need not know the commands, and a newer binary
// completes its own.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// completionScripts leave file names to the shell where the program has no words.
var completionScripts = map[string]string{
	"bash": `# To use it: source <(gerbang completion bash)
_gerbang() {
	local IFS=$'\n'
	COMPREPLY=($(gerbang __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _gerbang gerbang
`,
	"zsh": `#compdef gerbang
# To use it: source <(gerbang completion zsh), after compinit
_gerbang() {
	local -a found
	local line
	for line in "${(@f)$(gerbang __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		[[ -n $line ]] && found+=("${line/$'\t'/:}")
	done
	(( $#found )) && _describe gerbang found || _files
}
compdef _gerbang gerbang
`,
	"fish": `# To use it: gerbang completion fish | source
complete -c gerbang -f -a '(gerbang __complete -- (commandline -opc)[2..] (commandline -ct))'
complete -c gerbang -F -n 'test -z "(gerbang __complete -- (commandline -opc)[2..] (commandline -ct))"'
`,
}

func (c completionCommand) Run(std streams) error {
	_, err := fmt.Fprint(std.out, completionScripts[c.Shell])
	return err
}

type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

func (c completeCommand) Run(ctx context.Context, std streams) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	parser := newParser(ctx, std, func(int) {})
	for _, w := range candidates(parser.Model.Node, words) {
		fmt.Fprintln(std.out, w)
	}
	return nil
}

// candidates are the words that may stand in the place of the last of words, each
// with a tab and its help.
func candidates(node *kong.Node, words []string) (found []string) {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	var flag *kong.Flag // whose value is to follow
	positional := 0
	for _, word := range words[:len(words)-1] {
		switch child := childNamed(node, word); {
		case flag != nil:
			flag = nil
		case strings.HasPrefix(word, "-"):
			if f := flagNamed(node, strings.TrimPrefix(word, "--")); f != nil && !f.IsBool() {
				flag = f
			}
		case child != nil:
			node, positional = child, 0
		default:
			positional++
		}
	}
	offer := func(word, help string) {
		if strings.HasPrefix(word, last) {
			found = append(found, word+"\t"+help)
		}
	}
	if flag != nil {
		offerEnum(flag.Value, offer)
		return found
	}
	for _, child := range node.Children {
		if !child.Hidden {
			offer(child.Name, child.Help)
		}
	}
	if positional < len(node.Positional) {
		offerEnum(node.Positional[positional], offer)
	}
	if strings.HasPrefix(last, "-") {
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				offer("--"+f.Name, f.Help)
				if f.Tag.Negatable != "" {
					offer("--no-"+f.Name, f.Help)
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

func offerEnum(v *kong.Value, offer func(word, help string)) {
	if v.Enum == "" {
		return
	}
	for _, word := range v.EnumSlice() {
		offer(word, v.Help)
	}
}

// flagNamed finds a flag of a command, those of the commands above included.
func flagNamed(node *kong.Node, name string) *kong.Flag {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			if f.Name == name {
				return f
			}
		}
	}
	return nil
}
