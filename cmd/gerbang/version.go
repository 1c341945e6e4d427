package main

import (
	"encoding/json"
	"fmt"
	"runtime"
)

// version and commit are set by the linker for releases.
var (
	version = "dev"
	commit  = ""
)

type versionCommand struct {
	JSON bool `help:"Print JSON for programs."`
}

// build is what was built of what.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (c versionCommand) Run(std streams) error {
	b := build{version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH}
	if c.JSON {
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(b)
	}
	of := ""
	if b.Commit != "" {
		of = "commit " + b.Commit + ", "
	}
	_, err := fmt.Fprintf(std.out, "gerbang %s (%s%s, %s/%s)\n", b.Version, of, b.Go, b.OS, b.Arch)
	return err
}
