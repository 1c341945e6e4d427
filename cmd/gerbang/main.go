// Command gerbang is an OVO payment gateway and its sandbox in one binary.
//
//	gerbang demo       play every payment journey and show that the books balance
//	gerbang sandbox    run the sandbox
//	gerbang audit      check the books of an installation
//	gerbang bench      measure payments per second over HTTP
//
// Every flag can be given in the environment as GERBANG_ and its name in capitals.
// Exit codes: 0 success, 1 the thing asked for failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker for releases.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the command line: each command is a struct with its flags and Run.
type commands struct {
	Demo    demoCommand      `cmd:"" help:"Play every payment journey in a throw-away sandbox and show that the books balance."`
	Sandbox sandboxCommand   `cmd:"" help:"Run the sandbox: the gateway, the wallet and their control API."`
	Audit   auditCommand     `cmd:"" help:"Check every invariant of an installation's books. Works beside a running server."`
	Bench   benchCommand     `cmd:"" help:"Measure payments per second over HTTP, signed and durable, in a throw-away installation."`
	Version kong.VersionFlag `help:"Print the version and exit." env:"-"`
}

// streams are where a command writes.
type streams struct{ out, err io.Writer }

// errFailed ends a command that has said everything already.
var errFailed = errors.New("failed")

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	exit := -1
	parser, err := kong.New(&commands{}, kong.Name("gerbang"),
		kong.Description("An OVO payment gateway that speaks the providers' published protocols, and its sandbox."),
		kong.DefaultEnvars("GERBANG"), kong.Vars{"version": version}, kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code }), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(streams{stdout, stderr}))
	if err != nil {
		panic(err) // the struct above is wrong
	}
	command, err := parser.Parse(args)
	if exit >= 0 { // --help or --version did it
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "gerbang: %v\nRun \"gerbang --help\" for the commands and their flags.\n", err)
		return 2
	}
	switch err := command.Run(); {
	case errors.Is(err, errFailed):
		return 1
	case err != nil:
		fmt.Fprintf(stderr, "gerbang: %v\n", err)
		return 1
	}
	return 0
}
