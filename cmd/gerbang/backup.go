package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
)

type backupCommand struct {
	installationFlags
	To        string        `help:"Directory of the backup, on another disk." required:"" placeholder:"DIR" type:"path"`
	Every     time.Duration `help:"Go on copying changes this often, such as 500ms, until stopped. By default one copy is made." placeholder:"TIME"`
	BaseEvery time.Duration `help:"How often all of the database is copied again, so that restoring stays quick." default:"24h"`
	Keep      time.Duration `help:"For how long every moment can be restored; what is older is deleted. By default all is kept." placeholder:"TIME"`
	Verbose   bool          `help:"Say every file that is written."`
}

func (c backupCommand) Run(ctx context.Context, std streams) error {
	switch {
	case c.Every < 0 || c.Keep < 0 || c.BaseEvery < 0:
		return usagef("times are not negative")
	case c.Every > 0 && c.Every < 10*time.Millisecond:
		return usagef("--every: 10ms is the shortest")
	}
	return installationError(app.Backup(ctx, app.BackupConfig{
		Installation: c.installation(), Dir: c.To, Every: c.Every, BaseEvery: c.BaseEvery, Keep: c.Keep,
		Report: func(r app.BackupReport) { c.report(std, r) },
	}))
}

func (c backupCommand) report(std streams, r app.BackupReport) {
	switch {
	case r.DeletedFiles > 0:
		fmt.Fprintf(std.err, "%d files that are older than %s were deleted.\n", r.DeletedFiles, c.Keep)
	case r.Base && r.Path == "":
		fmt.Fprintf(std.err, "base: %d of %d pages\n", r.Done, r.Pages)
	case r.Base:
		fmt.Fprintf(std.out, "%s has everything until %s, %d bytes.\n", r.Path, r.At.Format(time.RFC3339Nano), r.Bytes)
		if c.Every > 0 {
			fmt.Fprintf(std.out, "Changes follow every %s.\n", c.Every)
		}
	case c.Verbose:
		fmt.Fprintf(std.err, "%s: %d pages, %d bytes, until %s\n", r.Path, r.Pages, r.Bytes, r.At.Format(time.RFC3339Nano))
	}
}

type restoreCommand struct {
	installationFlags
	From string    `help:"Directory of the backup." required:"" placeholder:"DIR" type:"existingdir"`
	To   time.Time `help:"Moment to restore, such as 2026-01-31T23:59:59+07:00; by default the newest." placeholder:"TIME"`
}

func (c restoreCommand) Run(ctx context.Context, std streams) error {
	done, err := app.Restore(ctx, c.installation(), c.From, c.To, func(r app.BackupReport) {
		if r.Base {
			fmt.Fprintf(std.err, "base: %d of %d pages\n", r.Done, r.Pages)
		} else {
			fmt.Fprintf(std.err, "changes: until %s\n", r.At.Format(time.RFC3339))
		}
	})
	if err != nil {
		return installationError(err)
	}
	fmt.Fprintf(std.out, "Restored as of %s: a base of %s and %d changes, %d pages.\nEvery secret opens, and %d invariants hold.\n",
		done.At.Format(time.RFC3339Nano), done.Base.Format(time.RFC3339Nano), done.Changes, done.Pages, len(done.Invariants))
	if done.Newer {
		fmt.Fprintln(std.out, "The backup goes on after that moment.")
	}
	return nil
}
