package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

// drainTimeout is how long running calls may take after the signal to stop.
const drainTimeout = 8 * time.Second

type sandboxCommand struct {
	installationFlags
	Addr      string `help:"Address to listen on." default:"127.0.0.1:8600"`
	BaseURL   string `help:"Address at which browsers and merchants reach the sandbox, when that differs." placeholder:"URL"`
	ReadyFile string `help:"File to write {\"base_url\":…,\"pid\":…} to once the sandbox serves." placeholder:"FILE" type:"path"`
	Seed      string `help:"TOML file with merchants, wallets, bindings and payments that a fresh database begins with, besides the usual ones." placeholder:"FILE" type:"path"`
	NoSeed    bool   `help:"Begin without the usual merchant and wallets."`
	traceFlags
	Requests bool `help:"Keep the newest calls, with the verdict on their signatures. Turn it off to measure." default:"true" negatable:""`
	//lint:ignore SA5008 kong takes each "set"
	logFlags `set:"log_level=warn" set:"log_format=text"`
}

func (c sandboxCommand) Run(ctx context.Context, std streams) error {
	var world *sandbox.World
	if c.Seed != "" {
		text, err := os.ReadFile(c.Seed)
		if err != nil {
			return usageError{err}
		}
		if world, err = sandbox.ParseWorld(text); err != nil {
			return usagef("%s: %w", c.Seed, err)
		}
	}
	a, err := app.StartSandbox(ctx, app.Config{
		Installation: c.installation(), Addr: c.Addr, BaseURL: c.BaseURL, Version: version, NoSeed: c.NoSeed, World: world, NoLog: !c.Requests,
		Journey: playAsGuest, Traces: c.traces(),
		Log: c.logger(std),
	})
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- a.Wait() }()
	if c.ReadyFile != "" {
		if err := writeReady(c.ReadyFile, a.BaseURL); err != nil {
			return err
		}
		defer os.Remove(c.ReadyFile)
	}
	c.banner(std, a.BaseURL)

	select {
	case err = <-stopped:
	case <-ctx.Done():
		fmt.Fprintln(std.out, "Stopping.")
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if stopErr := a.Stop(drain); err == nil {
		err = stopErr
	}
	return err
}

func (c sandboxCommand) banner(std streams, base string) {
	fmt.Fprintf(std.out, "Gerbang sandbox at %s  (no real money)\n\n", base)
	if !c.NoSeed {
		fmt.Fprintf(std.out, "  DOKU client id  %s\n  DOKU secret     %s\n  wallet          081211111111, PIN 123456\n", sandbox.SeedClientID, sandbox.SeedSecretKey)
		fmt.Fprintf(std.out, "  key pair        %s/sandbox/v1/merchants\n", base)
	}
	fmt.Fprintf(std.out, "  control API     %s/sandbox/v1/info\n  data            %s\n\nStop with Ctrl-C.\n", base, c.Data)
}

// writeReady writes the ready file of a server with one address.
func writeReady(path, base string) error {
	return writeWhole(path, map[string]any{"base_url": base, "pid": os.Getpid()})
}

// writeWhole puts a JSON file in place whole, so that who waits for it never reads
// half of it.
func writeWhole(path string, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ready-*")
	if err != nil {
		return fmt.Errorf("the ready file: %w", err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(append(text, '\n')); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
