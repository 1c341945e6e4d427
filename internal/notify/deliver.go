package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

const (
	keepAnswer = 2 << 10 // bytes of an answer that are stored
	keepError  = 1 << 10
	catchUp    = time.Minute // between attempts that are late
)

// outcome is an attempt and what follows from it.
type outcome struct {
	attempt gateway.Attempt
	state   gateway.NotificationState
	nextAt  time.Time // while queued
}

// deliver makes one attempt. The outcome is not to be stored when the attempt was
// broken off, or could not be made for a reason that is not the merchant's.
func (w *Worker) deliver(ctx context.Context, n gateway.Notification) (out outcome, ok bool) {
	log := w.log.With("notification", n.ID, "event", n.EventID, "merchant", n.MerchantID)
	d, known := w.dialects[n.Dialect]
	if !known {
		// Perhaps a newer version of this program queued it, and will deliver it.
		log.Error("no way to deliver a notification", "dialect", n.Dialect)
		return out, false
	}
	o, err := w.gateway.Outgoing(ctx, n)
	if err != nil {
		log.Error("what a notification tells of cannot be read; it is tried again later", "error", err)
		return out, false
	}
	a, err := w.attempt(ctx, d.Outbound, o)
	out.attempt = a
	switch {
	case err == nil:
		out.state = gateway.NotificationDelivered
	case ctx.Err() != nil:
		log.Warn("notification attempt broken off")
		return out, false
	case errors.Is(err, gateway.ErrNoURL):
		out.state = gateway.NotificationUndeliverable
		out.attempt.Number = n.Attempts // nothing was tried
	case n.Attempts >= len(d.Retries):
		out.state = gateway.NotificationFailed
	default:
		first, err := w.firstAttempt(ctx, n, a)
		if err != nil {
			log.Error("notification attempt not stored", "error", err)
			return out, false
		}
		out.state = gateway.NotificationQueued
		out.nextAt = d.nextAttempt(n.Attempts, first, a.At)
	}
	if err != nil {
		out.attempt.Error = printable(inWords(err, w.timeout), keepError)
	}
	return out, true
}

// nextAttempt is when to try again after so many attempts before this one: as the
// schedule says, but when that is past already, because nothing could be delivered for
// some time, not at once. Else one bad moment would use the whole schedule up.
func (d Dialect) nextAttempt(before int, first, this time.Time) time.Time {
	due, pause := first.Add(d.Retries[before]), d.Retries[before]
	if before > 0 {
		pause -= d.Retries[before-1]
	}
	if soonest := this.Add(min(pause, catchUp)); due.Before(soonest) {
		return soonest
	}
	return due
}

// firstAttempt is when the first attempt of a notification began; all retries
// are measured from it.
func (w *Worker) firstAttempt(ctx context.Context, n gateway.Notification, current gateway.Attempt) (time.Time, error) {
	if n.Attempts == 0 {
		return current.At, nil
	}
	all, err := w.gateway.Attempts(ctx, n.ID)
	if err != nil || len(all) == 0 {
		return current.At, err
	}
	return all[0].At, nil
}

// store writes an outcome under the task's newest fence. Failing that, the lease
// runs out and the event is sent again.
func (w *Worker) store(ctx context.Context, t *task, out outcome) {
	w.mu.Lock()
	n := t.notification
	w.mu.Unlock()
	log := w.log.With("notification", n.ID, "event", n.EventID, "merchant", n.MerchantID)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	if err := w.gateway.FinishAttempt(ctx, n, out.attempt, out.state, out.nextAt); err != nil {
		log.Error("notification attempt not stored", "error", err)
		return
	}
	w.told(n.Dialect, out.state, out.attempt.Took)
	if out.state == gateway.NotificationQueued {
		w.Kick() // its next attempt may come before what Run waits for
	}
	log.Info("notification attempt", "attempt", out.attempt.Number, "status", out.attempt.Status, "outcome", out.state, "took", out.attempt.Took)
}

// attempt sends a notification once. The error says why it is not acknowledged.
func (w *Worker) attempt(ctx context.Context, d Outbound, o gateway.Outgoing) (a gateway.Attempt, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	a = gateway.Attempt{
		NotificationID: o.Notification.ID, Number: o.Notification.Attempts + 1,
		At: w.clock.Now().UTC().Truncate(time.Microsecond), // as stored: the schedule starts from it
	}
	began := gateway.SystemClock{}.Now() // the movable clock does not measure
	defer func() {
		a.Took = gateway.SystemClock{}.Now().Sub(began)
		if p := recover(); p != nil {
			// A payload that cannot be built must not take payments down with it.
			w.log.Error("panic in a notification attempt", "notification", a.NotificationID, "panic", p, "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()

	req, err := d.Request(ctx, w.client, o, a.At)
	if err != nil {
		return a, err
	}
	a.URL = withoutUser(req.URL)
	resp, err := w.client.Do(req.WithContext(ctx))
	if err != nil {
		if sending := (*url.Error)(nil); errors.As(err, &sending) {
			err = sending.Err // the rest of it repeats the URL
		}
		return a, err
	}
	defer resp.Body.Close()
	// What arrived counts even if the rest does not: the status did.
	body, readErr := io.ReadAll(resp.Body)
	a.Status, a.Answer = resp.StatusCode, printable(string(body), keepAnswer)
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return a, fmt.Errorf("answered %d, and redirects are not followed", resp.StatusCode)
	}
	if err := d.Accepted(o, resp.StatusCode, body); err != nil {
		if readErr != nil {
			return a, fmt.Errorf("%w (the answer broke off: %w)", err, readErr)
		}
		return a, err
	}
	return a, nil
}

// inWords is an error as a merchant's engineer should read it.
func inWords(err error, timeout time.Duration) string {
	text := err.Error()
	if lookup := (*net.DNSError)(nil); errors.As(err, &lookup) && lookup.Server != "" {
		text = strings.ReplaceAll(text, " on "+lookup.Server, "") // our resolver is nobody's business
	}
	if errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("no answer within %s (%s)", timeout, text)
	}
	return text
}

// withoutUser is a URL as it may be shown.
func withoutUser(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	return shown.String()
}

// printable makes foreign text safe to store and show: at most limit bytes of
// valid UTF-8 without control characters.
func printable(s string, limit int) string {
	var b strings.Builder
	for _, r := range s { // bytes that are no UTF-8 come as utf8.RuneError
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
