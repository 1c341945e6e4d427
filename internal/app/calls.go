package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
)

// inbound is a merchant's or the issuer's call while it is served.
type inbound struct {
	id      string // in the log only; callers' own ids are not to be trusted
	began   time.Time
	changed []gateway.Change
	span    *callSpan
}

type inboundKey struct{}

// observed wraps what is called: it begins what accountFor or accountForIssuer ends.
func (a *App) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &inbound{id: rand.Text(), began: gateway.SystemClock{}.Now()}
		ctx := context.WithValue(r.Context(), inboundKey{}, c)
		ctx, c.span = a.traces.call(ctx, r)
		if c.span != nil || a.log.Enabled(ctx, slog.LevelInfo) {
			ctx = gateway.Observe(ctx, func(changes []gateway.Change) { c.changed = append(c.changed, changes...) })
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// accountFor counts, logs and traces a call that a dialect has answered. Log and trace
// name the merchant and what the call made or changed, by ids that are of use only here.
func (a *App) accountFor(ctx context.Context, s gateway.Served) {
	a.account(ctx, "call", s.Dialect, s.Operation, s.Result, func(took time.Duration) []slog.Attr {
		a.metrics.served(s, took)
		return []slog.Attr{
			slog.String("dialect", s.Dialect), slog.String("operation", s.Operation), slog.String("merchant", string(s.Merchant)),
			slog.Int("status", s.Status), slog.String("code", s.Code),
		}
	})
}

// accountForIssuer is accountFor of the issuer's calls. Their own ids are signed.
func (a *App) accountForIssuer(ctx context.Context, s issuer.Served) {
	a.account(ctx, "issuer call", "issuer", s.Operation, s.Result, func(took time.Duration) []slog.Attr {
		a.metrics.servedIssuer(s, took)
		return []slog.Attr{slog.String("operation", s.Operation), slog.String("id", s.ID), slog.Int("status", s.Status), slog.String("code", s.Code)}
	})
}

// account ends what observed has begun: count gets how long the call took, and returns
// what the log is to say of it.
func (a *App) account(ctx context.Context, line, dialect, operation string, result gateway.Result, count func(time.Duration) []slog.Attr) {
	c, ok := ctx.Value(inboundKey{}).(*inbound)
	if !ok {
		return // it was called without observed around it
	}
	took := gateway.SystemClock{}.Now().Sub(c.began)
	attrs := count(took)
	level := slog.LevelInfo
	if result == gateway.ResultFault {
		level = slog.LevelWarn
	}
	logged := a.log.Enabled(ctx, level)
	if !logged && c.span == nil {
		return
	}
	attrs = append(attrs, slog.String("result", string(result)), slog.Duration("took", took))
	for _, change := range c.changed {
		attrs = append(attrs, slog.String(string(change.Kind), change.ID))
	}
	if logged {
		a.log.LogAttrs(ctx, level, line, attrs...)
	}
	c.span.end(dialect, operation, result, append(attrs, slog.String("call", c.id)))
}

// callLog adds to what is logged in a call's context the ids of the call and its trace.
type callLog struct{ slog.Handler }

func withCalls(log *slog.Logger) *slog.Logger { return slog.New(callLog{log.Handler()}) }

func (l callLog) Handle(ctx context.Context, r slog.Record) error {
	if c, ok := ctx.Value(inboundKey{}).(*inbound); ok {
		r.AddAttrs(slog.String("call", c.id))
		if id := c.span.id(); id != "" {
			r.AddAttrs(slog.String("trace_id", id))
		}
	}
	return l.Handler.Handle(ctx, r)
}

func (l callLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return callLog{l.Handler.WithAttrs(attrs)}
}

func (l callLog) WithGroup(name string) slog.Handler { return callLog{l.Handler.WithGroup(name)} }
