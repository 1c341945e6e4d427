package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Processes signal to each other by NOTIFY on one channel of the database, in
// statements of its own: a transaction that notifies takes a lock which all others
// that do so wait for, and money must not.
const channel = "gerbang"

const (
	maxSignals  = 1024            // that wait to be sent; further ones are lost
	listenAgain = time.Second     // between tries to reach the database
	checkClock  = time.Minute     //
	warnSkew    = time.Second     // between this machine's clock and the database's
	refuseSkew  = 5 * time.Second // no start with more
)

func (p *postgres) signal(text string) {
	select {
	case p.signals <- text:
	default:
	}
}

// send sends signals until close.
func (p *postgres) send() {
	for {
		var texts []string
		select {
		case text := <-p.signals:
			texts = append(texts, text)
		case <-p.closing:
			return
		}
		for len(p.signals) > 0 {
			texts = append(texts, <-p.signals)
		}
		c, err := p.acquire(context.Background())
		if err == nil {
			_, err = c.Exec(context.Background(), "SELECT pg_notify($1, text) FROM unnest($2::text[]) AS text", channel, texts)
			release(c)
		}
		if err != nil {
			p.log.Warn("signals to other processes are lost; they look by themselves", "signals", len(texts), "error", err)
		}
	}
}

func (p *postgres) listen(ctx context.Context, heard func(string)) {
	for ctx.Err() == nil {
		err := p.listenOnce(ctx, heard)
		if ctx.Err() != nil {
			return
		}
		p.log.Warn("signals of other processes cannot be heard; trying again", "error", err)
		select {
		case <-time.After(listenAgain):
		case <-ctx.Done():
		}
	}
}

func (p *postgres) listenOnce(ctx context.Context, heard func(string)) error {
	conn, err := pgx.ConnectConfig(ctx, p.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		until, cancel := context.WithTimeout(ctx, checkClock)
		n, err := conn.WaitForNotification(until)
		timedOut := until.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			heard(n.Payload)
		case timedOut:
			if err := p.checkClock(ctx, warnSkew); err != nil {
				p.log.Warn(err.Error())
			}
			if err := p.forgetMarks(ctx); err != nil {
				p.log.Warn("old marks cannot be deleted; it is tried again", "error", err)
			}
		default:
			return err
		}
		if conn.IsClosed() {
			return fmt.Errorf("the connection is closed")
		}
	}
}

// checkClock fails when this machine's clock is further than a bound from the
// database's. Processes whose clocks differ would disagree about deadlines.
func (p *postgres) checkClock(ctx context.Context, bound time.Duration) error {
	skew, err := p.skew(ctx)
	if err == nil && skew.Abs() > bound {
		err = fmt.Errorf("this machine's clock is %s away from the database's; set both by the same time servers", skew.Round(time.Millisecond))
	}
	return err
}

// skew implements engine. What the question may have taken on its way counts for
// nothing.
func (p *postgres) skew(ctx context.Context) (time.Duration, error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer release(c)
	var there int64
	asked := p.machine.Now()
	err = c.QueryRow(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&there)
	answered := p.machine.Now()
	switch then := time.UnixMicro(there); {
	case err != nil:
		return 0, err
	case then.Before(asked):
		return asked.Sub(then), nil
	case then.After(answered):
		return answered.Sub(then), nil
	}
	return 0, nil
}
