package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The settings that are shipped must be ones with which a server starts.
func TestShippedSettings(t *testing.T) {
	t.Parallel()
	secret := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := secret("master.key", strings.Repeat("0123456789abcdef", 4))
	shared := secret("issuer.secret", "whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
	for _, file := range []string{"gerbang.toml", "docker/gerbang.toml"} {
		args := []string{"config", "check", "--config", "../../deploy/" + file, "--master-key-file", key, "--issuer-secret-file", shared}
		if strings.HasPrefix(file, "docker") { // compose.yml has it in the environment
			args = append(args, "--database", "postgres://gerbang@database/gerbang")
		}
		var out, problems bytes.Buffer
		if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &problems}); code != 0 {
			t.Errorf("%s: exit code %d\n%s%s", file, code, out.String(), problems.String())
		}
	}
}
