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

	"github.com/gerbang-pay/gerbang/internal/control"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// commands is the command line: each command is a struct with its flags and Run.
type commands struct {
	Demo    demoCommand    `cmd:"" group:"run" help:"Play every payment journey in a throw-away sandbox and show that the books balance."`
	Sandbox sandboxCommand `cmd:"" group:"run" help:"Run the sandbox: the gateway, the wallet and their control API."`
	Serve   serveCommand   `cmd:"" group:"run" help:"Run the gateway for real: no sandbox, secrets under a master key from outside, TLS."`
	Audit   auditCommand   `cmd:"" group:"run" help:"Check every invariant of an installation's books. Works beside a running server."`
	Bench   benchCommand   `cmd:"" group:"run" help:"Measure payments per second over HTTP, signed and durable, in a throw-away installation."`

	Settings configCommand  `cmd:"" name:"config" group:"run" help:"The settings of \"gerbang serve\"."`
	Backup   backupCommand  `cmd:"" group:"run" help:"Copy the SQLite database beside a running server, once or with every change."`
	Restore  restoreCommand `cmd:"" group:"run" help:"Make a SQLite database from a backup, newest or as of a moment, and check it."`
	Migrate  migrateCommand `cmd:"" group:"run" help:"Copy a SQLite database to PostgreSQL, and compare."`
	Keys     keysCommand    `cmd:"" group:"run" help:"The master keys that seal an installation's secrets."`
	User     userCommand    `cmd:"" group:"run" help:"Who may sign in to the back office of \"gerbang serve\"."`

	Merchant     merchantCommand     `cmd:"" group:"control" help:"Merchants: credentials and notification URLs."`
	Wallet       walletCommand       `cmd:"" group:"control" help:"Wallets: balances, codes, prompts, links."`
	Page         pageCommand         `cmd:"" group:"control" help:"Hosted pages: walk one as its customer would."`
	Payment      paymentCommand      `cmd:"" group:"control" help:"Payments with their postings, refunds and notifications."`
	Notification notificationCommand `cmd:"" group:"control" help:"Notifications and their attempts."`
	Scenario     scenarioCommand     `cmd:"" group:"control" help:"Outcomes on demand, and the magic phone numbers."`
	Clock        clockCommand        `cmd:"" group:"control" help:"The sandbox's clock."`
	Snapshot     snapshotCommand     `cmd:"" group:"control" help:"Named states of the sandbox, to begin from a known one."`
	Logs         logsCommand         `cmd:"" group:"control" help:"The sandbox's log of inbound calls."`
	Info         infoCommand         `cmd:"" group:"control" help:"What is running."`
	Reset        resetCommand        `cmd:"" group:"control" help:"Empty the sandbox and seed it again."`

	Sign    signCommand    `cmd:"" group:"tools" help:"Make a signed call of any protocol and print it, with a curl command that sends it."`
	Explain explainCommand `cmd:"" group:"tools" help:"Say whether a signature is right and, if not, what went wrong."`

	Listen  listenCommand  `cmd:"" group:"tools" help:"Get a merchant's notifications here, pass them on to a server, and show its answers."`
	Trigger triggerCommand `cmd:"" group:"tools" help:"Make an event happen, so that its merchant is notified of it."`

	CheckReceiver checkCommand `cmd:"" group:"tools" help:"Check a merchant's receiver of notifications, and report."`

	About versionCommand `cmd:"" name:"version" group:"shell" help:"Print what this is: version, commit, Go, operating system."`

	Completion completionCommand `cmd:"" group:"shell" help:"Print a script that completes commands and flags in a shell."`
	Floor      floorCommand      `cmd:"" name:"bench-floor" hidden:"" help:"Serve the smallest honest endpoint."`
	Complete   completeCommand   `cmd:"" name:"__complete" hidden:"" help:"Print what may follow the words."`

	Config  string           `help:"TOML file with flags: \"name = value\" for all commands, and below [command] for one." placeholder:"FILE" type:"path"`
	Version kong.VersionFlag `help:"Print the version and exit." env:"-"`
}

// groups are the headings of the list of commands.
var groups = kong.ExplicitGroups([]kong.Group{
	{Key: "run", Title: "Run"},
	{Key: "control", Title: "Control a running sandbox"},
	{Key: "tools", Title: "Tools"},
	{Key: "shell", Title: "Shell"},
})

// streams are what a command reads and where it writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// errFailed ends a command that has said everything already.
var errFailed = errors.New("failed")

// Exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
)

// usageError is a mistake in the command line that only the command itself finds.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// newParser makes the parser of the command line. exit is called for --help and
// --version.
func newParser(ctx context.Context, std streams, exit func(int)) *kong.Kong {
	config := &configFile{}
	parser, err := kong.New(&commands{}, kong.Name("gerbang"),
		kong.Description("An OVO payment gateway that speaks the providers' published protocols, its sandbox, and tools for a merchant's engineers."),
		kong.DefaultEnvars("GERBANG"), kong.Vars{"version": version, "url": control.DefaultURL}, kong.Writers(std.out, std.err),
		kong.Exit(exit), kong.Resolvers(config), groups, kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(std))
	if err != nil {
		panic(err) // the struct above is wrong
	}
	return parser
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, std streams) (code int) {
	exit := -1
	command, err := newParser(ctx, std, func(code int) { exit = code }).Parse(args)
	if exit >= 0 { // --help or --version did it
		return exit
	}
	if err != nil {
		fmt.Fprintf(std.err, "gerbang: %v\nRun \"gerbang --help\" for the commands, \"gerbang COMMAND --help\" for the flags of one.\n", err)
		return exitUsage
	}
	err = command.Run()
	var unreachable *control.Unreachable
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	case ctx.Err() != nil && errors.Is(err, context.Canceled): // Ctrl-C
		return exitFailed
	}
	fmt.Fprintf(std.err, "gerbang: %v\n", err)
	switch {
	case errors.As(err, &usageError{}):
		return exitUsage
	case errors.As(err, &unreachable):
		return exitUnreachable
	}
	return exitFailed
}
