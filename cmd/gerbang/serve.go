package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// serveFlags are the settings of a server. "gerbang config check" has them too.
type serveFlags struct {
	installationFlags
	APIAddr          string   `help:"Address to listen on for merchants' calls." default:"127.0.0.1:8600" placeholder:"ADDR"`
	PagesAddr        string   `help:"Address to listen on for customers' pages; that of the calls if left out." placeholder:"ADDR"`
	IssuerAddr       string   `help:"Address to listen on for the issuer's calls; that of merchants' calls if left out." placeholder:"ADDR"`
	OfficeAddr       string   `help:"Address to listen on for the back office; without one there is none." placeholder:"ADDR"`
	AdminAddr        string   `help:"Address to listen on for health and figures, for the operator's machines alone." default:"127.0.0.1:8601" placeholder:"ADDR"`
	AdminExposed     bool     `help:"A firewall stands before an admin address that is not this machine's or a private network's."`
	BaseURL          string   `help:"Public address of calls and pages, with https." placeholder:"URL"`
	OfficeURL        string   `help:"Address of the back office in browsers, when it is another." placeholder:"URL"`
	TLSCertificate   string   `help:"PEM file with the certificate and its chain. A changed file is read anew within seconds, and on SIGHUP." placeholder:"FILE" type:"path"`
	TLSKey           string   `help:"PEM file with the certificate's key." placeholder:"FILE" type:"path"`
	IssuerURL        string   `help:"Where the issuer takes one-time codes and prompts." placeholder:"URL"`
	IssuerSecretFile string   `help:"File with the secret shared with the issuer; by default GERBANG_ISSUER_SECRET." placeholder:"FILE" type:"path"`
	TrustedProxies   []string `help:"Addresses and ranges of reverse proxies, whose X-Forwarded-For counts and who may speak without TLS." placeholder:"ADDR,…"`

	traceFlags

	RequireSecondFactor string `help:"Who must sign in to the back office with a second factor: everybody, operators or nobody." enum:"everybody,operators,nobody" default:"everybody"`
	BreachedPasswords   string `help:"Breached passwords, which nobody may choose: a directory with a download of Pwned Passwords, or an address, such as https://api.pwnedpasswords.com/range." placeholder:"DIR|URL"`
}

func (f serveFlags) config() app.ServeConfig {
	issuer := app.Issuer{URL: f.IssuerURL, SecretFile: f.IssuerSecretFile}
	if issuer.SecretFile == "" {
		issuer.Secret = strings.TrimSpace(os.Getenv(issuerSecretVariable))
	}
	return app.ServeConfig{
		Installation: f.installation(), BaseURL: f.BaseURL, OfficeURL: f.OfficeURL, Version: version,
		Listen: app.Listen{API: f.APIAddr, Pages: f.PagesAddr, Issuer: f.IssuerAddr, Office: f.OfficeAddr, Admin: f.AdminAddr}, AdminExposed: f.AdminExposed,
		TLS: app.TLSFiles{Certificate: f.TLSCertificate, Key: f.TLSKey}, Proxies: f.TrustedProxies, Issuer: issuer,
		SecondFactor: gateway.Demand(f.RequireSecondFactor), BreachedPasswords: f.BreachedPasswords, Traces: f.traces(),
	}
}

// traceFlags say where traces are sent. What a collector asks for is a secret, and no
// flag: it is in the variables that OpenTelemetry has for it.
type traceFlags struct {
	OTLPEndpoint string `name:"otlp-endpoint" help:"OpenTelemetry collector that gets traces, over HTTP, such as http://127.0.0.1:4318; by default OTEL_EXPORTER_OTLP_ENDPOINT. Without one there are no traces." placeholder:"URL"`
}

func (f traceFlags) traces() app.Traces {
	return app.Traces{Endpoint: f.OTLPEndpoint, Getenv: os.Getenv}
}

type serveCommand struct {
	serveFlags
	ReadyFile string `help:"File to write {\"base_url\":…,\"pid\":…,\"listening\":{…}} to once the server serves." placeholder:"FILE" type:"path"`
	//lint:ignore SA5008 kong takes each "set"
	logFlags `set:"log_level=info" set:"log_format=json"`
}

func (c serveCommand) Run(ctx context.Context, std streams) error {
	config := c.config()
	config.Log = c.logger(std)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	a, err := app.Serve(ctx, config)
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- a.Wait() }()
	if c.ReadyFile != "" {
		if err := writeWhole(c.ReadyFile, serveReady{a.BaseURL, os.Getpid(), listeningView(a.Listening)}); err != nil {
			return err
		}
		defer os.Remove(c.ReadyFile)
	}
	fmt.Fprintf(std.out, "Gerbang serves %s\n  calls %s, pages %s, issuer %s, back office %s, admin %s\n",
		a.BaseURL, a.Listening.API, a.Listening.Pages, a.Listening.Issuer, orNone(a.Listening.Office), a.Listening.Admin)

	for {
		select {
		case err = <-stopped:
		case <-hangups:
			a.Reload()
			continue
		case <-ctx.Done():
			fmt.Fprintln(std.out, "Stopping.")
		}
		break
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if stopErr := a.Stop(drain); err == nil {
		err = stopErr
	}
	return err
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// serveReady is the ready file of a server.
type serveReady struct {
	BaseURL   string        `json:"base_url"`
	PID       int           `json:"pid"`
	Listening listeningView `json:"listening"`
}

type listeningView struct {
	API    string `json:"api"`
	Pages  string `json:"pages"`
	Issuer string `json:"issuer"`
	Office string `json:"office,omitempty"`
	Admin  string `json:"admin"`
}

type configCommand struct {
	Check configCheck `cmd:"" settings:"serve" help:"Say everything that keeps \"gerbang serve\" from starting with these settings, and what to do about it."`
}

type configCheck struct {
	serveFlags
	JSON bool `help:"Print JSON for programs."`
}

func (c configCheck) Run(_ context.Context, std streams) error {
	problems := c.config().Check()
	if c.JSON {
		type problem struct {
			Setting string `json:"setting"`
			Problem string `json:"problem"`
			Cure    string `json:"cure"`
		}
		view := struct {
			OK       bool      `json:"ok"`
			Problems []problem `json:"problems"`
		}{len(problems) == 0, []problem{}}
		for _, p := range problems {
			view.Problems = append(view.Problems, problem(p))
		}
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(view); err != nil {
			return err
		}
	} else if len(problems) == 0 {
		fmt.Fprintln(std.out, "The settings are in order.")
	} else {
		fmt.Fprintln(std.out, problems)
	}
	if len(problems) > 0 {
		return errFailed
	}
	return nil
}

// These hold secrets where no file does. They are no flags: command lines can be
// read by every user of a machine.
const (
	masterKeyVariable    = "GERBANG_MASTER_KEY"
	issuerSecretVariable = "GERBANG_ISSUER_SECRET"
)

func masterKeyInEnvironment() string { return strings.TrimSpace(os.Getenv(masterKeyVariable)) }

// installationError adds what to do to an error of a command that needs an installation's key.
func installationError(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w; name it with --master-key-file or set %s", err, masterKeyVariable)
	}
	return err
}
