package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/gerbang-pay/gerbang/internal/app"
	"github.com/gerbang-pay/gerbang/internal/bench"
	"github.com/gerbang-pay/gerbang/internal/bench/floor"
	"github.com/gerbang-pay/gerbang/internal/gateway"
)

type benchCommand struct {
	Dialect  []string      `help:"What to measure: snap, jokul, push, faspay or all, separated by commas." default:"all" enum:"snap,jokul,push,faspay,all"`
	Pattern  []string      `help:"hot: one merchant takes all payments. spread: 500 merchants share them." default:"hot,spread" enum:"hot,spread"`
	Clients  []int         `help:"Calls at once, each on a connection of its own. Several numbers are measured one after the other." default:"64"`
	Duration time.Duration `help:"How long each measurement takes." default:"10s"`
	Warmup   time.Duration `help:"How long the load runs before measuring begins." default:"2s"`
	Rate     int64         `help:"Calls a second in an open loop, which counts latency from when a call was meant to begin. 0 is a closed loop." placeholder:"N"`
	Prefill  int           `help:"Payments that the book holds before." placeholder:"N"`
	Baseline bool          `help:"Measure the smallest honest endpoint on the same engine and, on PostgreSQL, pgbench in turn with the gateway, with as many clients."`
	Replicas []int         `help:"Processes over the database that share the calls. Several numbers are measured one after the other; more than 1 needs PostgreSQL." default:"1"`
	Rounds   int           `help:"Repeat everything that often, in turn, and report medians." default:"1"`
	Keep     bool          `help:"Keep the installation, and say where it is."`
	JSON     bool          `help:"Print JSON for programs."`
	// Not from the environment: what is named there may be in use.
	Database string `help:"Empty database to measure on, as postgres://user@host/name; by default a file that is thrown away." placeholder:"URL" env:"-"`
}

// benchTimeout bounds what a measurement takes beside its own time: making tokens
// before and waiting for the last answers after.
const benchTimeout = 2 * time.Minute

func (c benchCommand) Run(ctx context.Context, std streams) error {
	dir, err := os.MkdirTemp("", "gerbang-bench-")
	if err != nil {
		return err
	}
	if c.Keep {
		fmt.Fprintf(std.err, "The installation is in %s.\n", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	report, err := c.measure(ctx, std, app.Installation{DataDir: dir, Database: c.Database})
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.print(std)
	}
	if err == nil && !report.AuditOK {
		err = errFailed
	}
	return err
}

// clock is for measuring only.
var clock gateway.SystemClock

// measure makes an installation, puts a server on it under every load that was asked
// for, and audits what is left.
func (c benchCommand) measure(ctx context.Context, std streams, i app.Installation) (r benchReport, err error) {
	most := slices.Max(c.Replicas)
	if slices.Min(c.Replicas) < 1 || most > 1 && c.store() == "sqlite" {
		return r, errors.New("one process serves a SQLite file; for more --replicas give an empty PostgreSQL with --database")
	}
	world, err := app.PrepareBench(ctx, i, c.Prefill, func(done int) {
		fmt.Fprintf(std.err, "\rprefill: %d of %d payments", done, c.Prefill)
		if done == c.Prefill {
			fmt.Fprintln(std.err)
		}
	})
	if err != nil {
		return r, err
	}
	var servers, floor benchServers
	defer func() { servers.stop(); floor.stop() }()
	for n := range most {
		if err := servers.start(ctx, std, i.DataDir, fmt.Sprint("ready-", n), serveArgs(i)...); err != nil {
			return r, err
		}
	}
	if r.Server, err = servers[0].idle(ctx); err != nil {
		return r, err
	}
	fmt.Fprintf(std.err, "ready after %.0f ms, with %.0f MiB of memory\n", r.Server.Ready, r.Server.Memory)
	if c.Baseline {
		args := []string{"bench-floor"}
		if i.Database != "" {
			args = append(args, "--database="+i.Database)
		}
		if err := floor.start(ctx, std, filepath.Join(i.DataDir, "floor"), "ready", args...); err != nil {
			return r, err
		}
	}
	pgbench := c.pgbench()
	if pgbench != "" {
		if err := bench.PreparePGBench(ctx, i.Database); err != nil {
			return r, fmt.Errorf("the tables for pgbench: %w", err)
		}
	}
	loads := c.loads()
	rounds := make([][]bench.Result, len(loads))
	for range c.Rounds {
		for n, l := range loads {
			fmt.Fprintf(std.err, "%s %s, %d clients, %d processes, %s …", l.Dialect, l.Pattern, l.Clients, l.replicas, l.Warmup+l.Duration)
			on := servers[:l.replicas]
			if l.Dialect == bench.Floor {
				on = floor
			}
			bounded, cancel := context.WithTimeout(ctx, l.Warmup+l.Duration+benchTimeout)
			var result bench.Result
			if l.Dialect == bench.PGBench {
				result, err = bench.RunPGBench(bounded, pgbench, i.Database, l.Load)
			} else {
				result, err = world.Run(bounded, on.baseURLs(), l.Load, on.cpu)
			}
			cancel()
			if err != nil {
				fmt.Fprintln(std.err)
				return r, errors.Join(err, servers.stop())
			}
			fmt.Fprintf(std.err, " %.0f payments/s, %d errors\n", perSecond(result), result.Errors)
			rounds[n] = append(rounds[n], result)
		}
	}
	if err := servers.stop(); err != nil {
		return r, fmt.Errorf("the server that was measured: %w", err)
	}
	r.Baselines = []baselineView{}
	for n, results := range rounds {
		v := viewResult(c.store(), loads[n].replicas, median(results))
		if v.Dialect == bench.Floor || v.Dialect == bench.PGBench {
			r.Baselines = append(r.Baselines, baselineView{fmt.Sprintf("%s %s %d", v.Dialect, v.Pattern, v.Clients), v.PerSecond, v.P99, v.CPU})
		} else {
			r.Results = append(r.Results, v)
		}
	}
	fmt.Fprint(std.err, "audit …")
	began := clock.Now()
	verdicts, err := app.Audit(ctx, i)
	fmt.Fprintf(std.err, " %s\n", clock.Now().Sub(began).Round(time.Millisecond))
	r.AuditOK = viewAudit(verdicts).OK
	return r, err
}

// benchLoad is a load on so many of the processes.
type benchLoad struct {
	bench.Load
	replicas int
}

// loads lists every combination that was asked for.
func (c benchCommand) loads() (all []benchLoad) {
	dialects := c.Dialect
	if slices.Contains(dialects, "all") {
		dialects = bench.Dialects
	}
	if c.Baseline {
		dialects = append(slices.Clone(dialects), bench.Floor)
	}
	if c.pgbench() != "" {
		dialects = append(dialects, bench.PGBench)
	}
	for _, dialect := range dialects {
		for _, pattern := range c.Pattern {
			for _, clients := range c.Clients {
				l := bench.Load{Dialect: dialect, Pattern: pattern, Clients: clients, Warmup: c.Warmup, Duration: c.Duration, Rate: c.Rate}
				if dialect == bench.Floor || dialect == bench.PGBench {
					all = append(all, benchLoad{l, 1})
					continue
				}
				for _, replicas := range c.Replicas {
					all = append(all, benchLoad{l, replicas})
				}
			}
		}
	}
	return all
}

// pgbench is the program to measure beside the gateway, or "".
func (c benchCommand) pgbench() string {
	if !c.Baseline || c.store() == "sqlite" {
		return ""
	}
	return bench.FindPGBench()
}

// store names the engine that is measured.
func (c benchCommand) store() string {
	if c.Database == "" {
		return "sqlite"
	}
	kind, _, _ := strings.Cut(c.Database, ":")
	return kind
}

// median is the result whose rate is in the middle.
func median(results []bench.Result) bench.Result {
	slices.SortFunc(results, func(a, b bench.Result) int { return int(a.Payments - b.Payments) })
	return results[len(results)/2]
}

// benchServers are what is measured: processes of their own, so that their use of the
// CPU can be told from the generator's.
type benchServers []*benchServer

type benchServer struct {
	cmd     *exec.Cmd
	exited  chan struct{}
	err     error // once exited
	baseURL string
	ready   time.Duration // from its start until it served
}

func (all benchServers) baseURLs() (urls []string) {
	for _, s := range all {
		urls = append(urls, s.baseURL)
	}
	return urls
}

func (all benchServers) cpu() (sum time.Duration, err error) {
	for _, s := range all {
		used, err := bench.CPU(s.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// stop ends the servers, however often it is called.
func (all benchServers) stop() (err error) {
	for _, s := range all {
		err = errors.Join(err, s.stop())
	}
	return err
}

// serveArgs is the command line of the gateway that is measured.
func serveArgs(i app.Installation) []string {
	args := []string{"sandbox", "--addr=127.0.0.1:0", "--no-seed", "--no-requests"}
	if i.Database != "" {
		args = append(args, "--database="+i.Database)
	}
	return args
}

// start runs a command of this program that serves, and returns once it does. name is
// that of a file in dir.
func (all *benchServers) start(ctx context.Context, std streams, dir, name string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	ready := filepath.Join(dir, name)
	args = append([]string{os.Args[0]}, append(args, "--data="+dir, "--ready-file="+ready)...)
	s := &benchServer{cmd: &exec.Cmd{Path: self, Args: args, Env: withoutSettings(os.Environ()), Stderr: std.err}, exited: make(chan struct{})}
	began := clock.Now()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	*all = append(*all, s)
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	for {
		text, err := os.ReadFile(ready)
		if err == nil {
			var info struct {
				BaseURL string `json:"base_url"`
			}
			err = json.Unmarshal(text, &info)
			s.baseURL, s.ready = info.BaseURL, clock.Now().Sub(began)
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-s.exited:
			return fmt.Errorf("the server to measure did not start: %w", s.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// withoutSettings leaves out what would configure the server behind the flags' back.
func withoutSettings(environ []string) []string {
	return slices.DeleteFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GERBANG_") })
}

// settled is how long a server has nothing to do before its memory is looked at.
const settled = time.Second

// idle is what a server needs that has just begun to serve.
func (s *benchServer) idle(ctx context.Context) (serverView, error) {
	select {
	case <-time.After(settled):
	case <-ctx.Done():
		return serverView{}, ctx.Err()
	}
	memory, err := bench.Memory(s.cmd.Process.Pid)
	return serverView{float64(s.ready.Milliseconds()), float64(memory) / (1 << 20)}, err
}

func (s *benchServer) stop() error {
	select {
	case <-s.exited:
		return s.err
	default:
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.exited:
	case <-time.After(2 * drainTimeout):
		s.cmd.Process.Kill()
		<-s.exited
	}
	return s.err
}

// benchReport is the JSON form of everything that was measured.
type benchReport struct {
	Server    serverView     `json:"server"`
	Results   []resultView   `json:"results"`
	Baselines []baselineView `json:"baselines"`
	AuditOK   bool           `json:"audit_ok"`
}

// serverView is what the gateway needs before any load.
type serverView struct {
	Ready  float64 `json:"ready_ms"` // from starting the process until it served
	Memory float64 `json:"idle_mib"` // that is resident
}

type resultView struct {
	Dialect     string           `json:"dialect"`
	Store       string           `json:"store"`
	Replicas    int              `json:"replicas"`
	Pattern     string           `json:"pattern"`
	Clients     int              `json:"clients"`
	Rate        int64            `json:"rate,omitempty"`
	PerSecond   float64          `json:"payments_per_s"`
	P50         float64          `json:"p50_ms"`
	P95         float64          `json:"p95_ms"`
	P99         float64          `json:"p99_ms"`
	Max         float64          `json:"max_ms"`
	Errors      int64            `json:"errors"`
	ErrorCodes  map[string]int64 `json:"errors_by_code,omitempty"`
	CPU         int64            `json:"cpu_us_per_payment"`
	GeneratorUS int64            `json:"generator_cpu_us_per_payment"`
}

type baselineView struct {
	Name      string  `json:"name"`
	PerSecond float64 `json:"payments_per_s"`
	P99       float64 `json:"p99_ms"`
	CPU       int64   `json:"cpu_us_per_payment"`
}

// floorCommand serves the smallest honest endpoint, for benchCommand.
type floorCommand struct {
	Data      string `required:"" type:"path"`
	ReadyFile string `required:"" type:"path"`
	Database  string `env:"-"` // or a new file in Data
}

func (c floorCommand) Run(ctx context.Context) error {
	database := cmp.Or(c.Database, filepath.Join(c.Data, "floor.db"))
	return floor.Serve(ctx, database, func(baseURL string) error { return writeReady(c.ReadyFile, baseURL) })
}

func perSecond(r bench.Result) float64 { return float64(r.Payments) / r.Duration.Seconds() }

func viewResult(store string, replicas int, r bench.Result) resultView {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return resultView{
		r.Dialect, store, replicas, r.Pattern, r.Clients, r.Rate, perSecond(r), ms(r.P50), ms(r.P95), ms(r.P99), ms(r.Max),
		r.Errors, r.ErrorCodes, r.ServerCPU.Microseconds(), r.ClientCPU.Microseconds(),
	}
}

func (r benchReport) print(std streams) error {
	table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "dialect\tstore\treplicas\tpattern\tclients\tpayments/s\tp50 ms\tp95 ms\tp99 ms\tmax ms\terrors\tCPU µs\t")
	for _, v := range r.Results {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%d\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t\n",
			v.Dialect, v.Store, v.Replicas, v.Pattern, v.Clients, v.PerSecond, v.P50, v.P95, v.P99, v.Max, v.Errors, v.CPU)
	}
	for _, b := range r.Baselines {
		fmt.Fprintf(table, "%s\t\t\t\t\t%.0f\t\t\t%.1f\t\t\t%d\t\n", b.Name, b.PerSecond, b.P99, b.CPU)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, v := range r.Results {
		for _, code := range slices.Sorted(maps.Keys(v.ErrorCodes)) {
			fmt.Fprintf(std.out, "%s %s: %d × %s\n", v.Dialect, v.Pattern, v.ErrorCodes[code], code)
		}
	}
	verdict := "The books balance."
	if !r.AuditOK {
		verdict = "The books do NOT balance."
	}
	fmt.Fprintln(std.out, verdict)
	return nil
}
