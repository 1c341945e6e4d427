package app_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
)

var recovered = flag.Int("recovered", 20_000, "payments in the book that BenchmarkRecovery restores")

// BenchmarkRecovery is what operators wait for who lost their disk: restoring the
// backup of a grown book, with every check, and a server on it that is ready. That
// should take a minute at most at -recovered 1000000.
func BenchmarkRecovery(b *testing.B) {
	ofSQLite(b)
	dir, kept := b.TempDir(), b.TempDir()
	i := app.Installation{DataDir: dir}
	if _, err := app.PrepareBench(b.Context(), i, *recovered, nil); err != nil {
		b.Fatal(err)
	}
	begun := time.Now()
	if err := app.Backup(b.Context(), app.BackupConfig{Installation: i, Dir: kept}); err != nil {
		b.Fatal(err)
	}
	backedUp := time.Since(begun)
	key, err := os.ReadFile(filepath.Join(dir, "master.key"))
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		again := app.Installation{DataDir: filepath.Join(b.TempDir(), fmt.Sprint(n)), MasterKey: string(key)}
		begun = time.Now()
		done, err := app.Restore(b.Context(), again, kept, time.Time{}, nil)
		if err != nil {
			b.Fatal(err)
		}
		for _, v := range done.Invariants {
			if !v.OK {
				b.Errorf("%s: %s", v.ID, v.Rule)
			}
		}
		restored := time.Since(begun)
		a, err := app.StartSandbox(b.Context(), app.Config{Installation: again, Addr: "127.0.0.1:0", NoSeed: true})
		if err != nil {
			b.Fatal(err)
		}
		resp, err := client.Get(a.BaseURL + "/readyz")
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body) // only its status counts
		resp.Body.Close()
		if resp.StatusCode != 200 {
			b.Fatalf("HTTP %d", resp.StatusCode)
		}
		b.ReportMetric(backedUp.Seconds(), "backup-s")
		b.ReportMetric(restored.Seconds(), "restore-s")
		b.ReportMetric(time.Since(begun).Seconds(), "to-ready-s")
		stop(b, a)
		os.RemoveAll(again.DataDir)
	}
}
