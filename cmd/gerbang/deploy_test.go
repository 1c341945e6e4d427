package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The settings that are shipped must be ones with which a server starts.
func TestShippedSettings(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "master.key")
	if err := os.WriteFile(key, []byte(strings.Repeat("0123456789abcdef", 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "issuer.secret")
	if err := os.WriteFile(secret, []byte("whsec_"+strings.Repeat("c2hpcHBl", 4)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"gerbang.toml", "docker/gerbang.toml"} {
		args := []string{"config", "check", "--config", "../../deploy/" + file, "--master-key-file", key, "--issuer-secret-file", secret}
		if strings.HasPrefix(file, "docker") { // compose.yml has it in the environment
			args = append(args, "--database", "postgres://gerbang@database/gerbang")
		}
		var out, problems bytes.Buffer
		if code := run(t.Context(), args, streams{strings.NewReader(""), &out, &problems}); code != 0 {
			t.Errorf("%s: exit code %d\n%s%s", file, code, out.String(), problems.String())
		}
	}
}
