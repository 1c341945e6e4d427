package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// phoneScreen is the OVO app.
type phoneScreen struct {
	frame
	Path    string // of the page
	Wallet  walletView
	Prompts []promptItem
	Links   []linkView // active ones
	Version string     // of all that can change by itself
	Waiting string
	Locked  string // that and until when, or ""
	Done    string // what the last step brought about, or ""
	Error   string // why the last step was refused, or ""
	At      string // which form was refused: a prompt's id or "topup"
}

type promptItem struct {
	promptView
	Left  int // seconds
	Use   ledger.Use
	Error string
}

func (v *visit) phone() error { return v.showPhone(http.StatusOK, "phone", "", nil) }

// phoneLive is the part of the page that changes by itself.
func (v *visit) phoneLive() error { return v.showPhone(http.StatusOK, "live", "", nil) }

// showPhone shows the page. A refused step is shown at its form.
func (v *visit) showPhone(status int, name, at string, refused error) error {
	ctx := v.r.Context()
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	wallet, err := v.walletNow(ctx, phone)
	if err != nil {
		return err
	}
	s := phoneScreen{
		Path: "/phone/" + string(phone), Wallet: wallet, Version: v.versionOf(wallet), Waiting: v.text.NoRequests, At: at,
	}
	s.frame = v.frame(wallet.Name+" – "+string(phone), s.Path, nil)
	s.Live = true
	if len(wallet.Prompts) > 0 {
		s.Waiting = v.text.Waiting(len(wallet.Prompts))
	}
	if until := wallet.LockedUntil; until != nil && v.Clock.Now().Before(*until) {
		s.Locked = v.text.Locked(wallTime(*until))
	}
	if refused != nil {
		if s.Error = v.text.refusal(refused); s.Error == "" && gateway.ErrorCode(refused) == gateway.Invalid {
			s.Error = v.text.BadPIN
		}
		if s.Error == "" {
			return refused
		}
	}
	for _, p := range wallet.Prompts {
		item := promptItem{promptView: p, Left: max(0, int(p.ExpiresAt.Sub(v.Clock.Now())/time.Second)), Use: ledger.UseCash}
		if at == string(p.ID) {
			item.Use, item.Error, s.Error = useOf(v.form), s.Error, ""
		}
		s.Prompts = append(s.Prompts, item)
	}
	for _, l := range wallet.Links {
		if l.State == gateway.BindingActive {
			s.Links = append(s.Links, l)
		}
	}
	if status == http.StatusOK {
		if s.Done, err = v.done(ctx, phone, v.r.URL.Query().Get("done")); err != nil {
			return err
		}
	}
	v.render(status, name, s)
	return nil
}

// done says what the last step brought about. A step that answered a push names
// it, so that what is said is true.
func (v *visit) done(ctx context.Context, phone gateway.Phone, step string) (string, error) {
	switch step {
	case "":
		return "", nil
	case "topup":
		return v.text.ToppedUp, nil
	case "unlink":
		return v.text.Unlinked, nil
	}
	p, err := v.Gateway.Push(ctx, gateway.PaymentID(step))
	if gateway.ErrorCode(err) == gateway.NotFound || err == nil && p.Wallet.Phone != phone {
		return "", nil
	}
	return v.text.outcome(p.Payment), err
}

func useOf(form url.Values) ledger.Use {
	switch use := ledger.Use(form.Get("use")); use {
	case ledger.UsePoints, ledger.UsePointsFirst:
		return use
	}
	return ledger.UseCash
}

func (v *visit) answerPrompt() error {
	ctx := v.r.Context()
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	id := gateway.PaymentID(v.r.PathValue("id"))
	switch v.form.Get("action") {
	case "approve":
		if pin := v.form.Get("pin"); len(pin) != gateway.PINDigits { // a slip costs no try
			err = &gateway.Error{Code: gateway.Invalid}
		} else {
			_, err = v.Gateway.ApprovePush(ctx, phone, id, pin, useOf(v.form))
		}
	case "decline":
		_, err = v.Gateway.DeclinePush(ctx, phone, id)
	default:
		return problem(http.StatusBadRequest, "action is approve or decline")
	}
	if err != nil {
		return v.showPhone(http.StatusUnprocessableEntity, "phone", string(id), err)
	}
	v.again("/phone/"+string(phone), url.Values{"done": {string(id)}})
	return nil
}

func (v *visit) unlinkMerchant() error {
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	if err := v.Gateway.Unlink(v.r.Context(), phone, gateway.BindingID(v.r.PathValue("id"))); err != nil {
		return v.showPhone(http.StatusUnprocessableEntity, "phone", "", err)
	}
	v.again("/phone/"+string(phone), url.Values{"done": {"unlink"}})
	return nil
}

func (v *visit) topUp() error {
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	var in ledger.Split
	for field, to := range map[string]*money.Amount{"cash": &in.Cash, "points": &in.Points} {
		if text := v.form.Get(field); text != "" {
			if *to, err = money.ParseWhole(text); err != nil {
				return v.showPhone(http.StatusUnprocessableEntity, "phone", "topup", &gateway.Error{Code: gateway.AmountInvalid})
			}
		}
	}
	if _, err := v.Gateway.TopUp(v.r.Context(), phone, in); err != nil {
		return v.showPhone(http.StatusUnprocessableEntity, "phone", "topup", err)
	}
	v.again("/phone/"+string(phone), url.Values{"done": {"topup"}})
	return nil
}

// versionOf names the state that a phone shows, the clock's position included.
func (s *Sandbox) versionOf(w walletView) string {
	body, err := wire.Encode(w)
	if err != nil { // a plain struct
		panic(err)
	}
	sum := sha256.Sum256(fmt.Appendf(body, "%d", s.Clock.Offset()))
	return hex.EncodeToString(sum[:8])
}

// Limits on streams of events. A browser opens an ended one again.
const (
	maxStreams     = 100
	streamInterval = time.Second
	streamLife     = 10 * time.Minute
)

// phoneEvents tells a page whenever what it shows has changed. Nothing pushes the
// changes here: another process may have made them.
func (v *visit) phoneEvents() error {
	ctx := v.r.Context()
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	wallet, err := v.walletNow(ctx, phone)
	if err != nil {
		return err
	}
	if v.streams.Add(1) > maxStreams {
		v.streams.Add(-1)
		return &gateway.Error{Code: gateway.Busy, Detail: "too many phones are being watched"}
	}
	defer v.streams.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, streamLife)
	defer cancel()

	connection := http.NewResponseController(v.w)
	// The server's limit on slow senders would end the stream.
	if err := connection.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/event-stream")
	shown := v.r.Header.Get("Last-Event-ID")
	if shown == "" {
		shown = v.r.URL.Query().Get("version")
	}
	tick := time.NewTicker(streamInterval)
	defer tick.Stop()
	for {
		message := ":\n\n" // lets a connection that has died be noticed
		if version := v.versionOf(wallet); version != shown {
			shown = version
			message = "event: changed\nid: " + version + "\ndata: " + version + "\n\n"
		}
		if _, err := v.w.Write([]byte(message)); err != nil {
			return nil // the visitor has left
		}
		if err := connection.Flush(); err != nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		case <-v.Draining:
			return nil
		}
		if wallet, err = v.walletNow(ctx, phone); err != nil {
			return nil // a new connection is told why
		}
	}
}
