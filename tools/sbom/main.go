// Command sbom prints the bill of materials of a Go binary as CycloneDX JSON: the
// modules that the linker put into it, with the checksums they were verified
// against. It reads nothing but the binary, so that the same binary has the same
// bill.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sbom BINARY VERSION")
		os.Exit(2)
	}
	if err := print(os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func print(to io.Writer, binary, version string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	b := bill{Format: "CycloneDX", Spec: "1.6", Version: 1}
	b.Metadata.Component = module("application", info.Main.Path, version, "")
	b.Metadata.Component.Properties = append(b.Metadata.Component.Properties, property{"file", filepath.Base(binary)})
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "CGO_ENABLED":
			b.Metadata.Component.Properties = append(b.Metadata.Component.Properties, property{strings.ToLower(s.Key), s.Value})
		}
	}
	b.Components = append(b.Components, module("library", "std", strings.TrimPrefix(info.GoVersion, "go"), ""))
	for _, dep := range info.Deps {
		b.Components = append(b.Components, library(dep))
	}
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", " ")
	return encoder.Encode(b)
}

// library is a module, or what stands in for it.
func library(m *debug.Module) component {
	if m.Replace != nil {
		m = m.Replace
	}
	return module("library", m.Path, m.Version, m.Sum)
}

func module(kind, path, version, sum string) component {
	purl := "pkg:golang/" + path + "@" + version
	c := component{Type: kind, Ref: purl, Name: path, Version: version, PURL: purl}
	if sum != "" {
		c.Properties = []property{{"go:sum", sum}}
	}
	return c
}
