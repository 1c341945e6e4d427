package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// phoneState is all of a phone that can change by itself.
type phoneState struct {
	Wallet walletView
	Recent []gateway.Payment // that have come to an end, latest first
}

// recentPayments is how many payments a phone shows without being asked.
const recentPayments = 5

func (s *Sandbox) phoneNow(ctx context.Context, phone gateway.Phone) (p phoneState, err error) {
	if p.Wallet, err = s.walletNow(ctx, phone); err != nil {
		return p, err
	}
	p.Recent, err = s.Gateway.WalletHistory(ctx, phone, "", recentPayments)
	return p, err
}

// phonePart is the part of the OVO app that changes by itself.
type phonePart struct {
	livePart
	Text    *texts
	Path    string // of the phone's page
	Wallet  walletView
	Prompts []promptItem
	Links   []Link // active ones
	History []pastPayment
	More    bool   // there may be more of History
	Says    string // what is told aloud when it changes
	Locked  string // that and until when, or ""
	Several string // the phones that stand side by side, or ""
}

// beside puts the phone among those that stand side by side.
func (p *phonePart) beside(several string) {
	if several != "" {
		p.Several = several
		p.URL += "?" + url.Values{"several": {several}}.Encode()
	}
}

type promptItem struct {
	Prompt
	Left  int // seconds
	Use   ledger.Use
	Error string
}

// pastPayment is a payment that has come to an end, as its customer sees it.
type pastPayment struct {
	gateway.Payment
	Merchant, Outcome string
	Back              money.Amount // given back
}

// partOf makes the live part of a phone, as it is now.
func (v *visit) partOf(ctx context.Context, phone gateway.Phone) (phonePart, error) {
	state, err := v.phoneNow(ctx, phone)
	if err != nil {
		return phonePart{}, err
	}
	path := "/phone/" + string(phone)
	p := phonePart{
		livePart: livePart{"phone-" + string(phone), path + "/live", v.versionOf(state)}, Text: v.text, Path: path,
		Wallet: state.Wallet, Says: v.text.NoRequests, More: len(state.Recent) == recentPayments,
	}
	if n := len(p.Wallet.Prompts); n > 0 {
		p.Says = v.text.Waiting(n)
	} else if n := len(p.Wallet.OTPs); n > 0 {
		p.Says = v.text.CodeCame
	}
	if until := p.Wallet.LockedUntil; until != nil && v.Clock.Now().Before(*until) {
		p.Locked = v.text.Locked(wallTime(*until))
	}
	for _, prompt := range p.Wallet.Prompts {
		left := max(0, int(prompt.ExpiresAt.Sub(v.Clock.Now())/time.Second))
		p.Prompts = append(p.Prompts, promptItem{Prompt: prompt, Left: left, Use: ledger.UseCash})
	}
	for _, l := range p.Wallet.Links {
		if l.State == gateway.BindingActive {
			p.Links = append(p.Links, l)
		}
	}
	p.History, err = v.pastPayments(ctx, state.Recent)
	return p, err
}

func (v *visit) pastPayments(ctx context.Context, payments []gateway.Payment) (past []pastPayment, err error) {
	names := issuer.MerchantNames{}
	for _, p := range payments {
		item := pastPayment{Payment: p, Outcome: v.text.outcome(p), Back: p.Refunded.Cash + p.Refunded.Points}
		if item.Merchant, err = names.Of(ctx, v.Gateway, p.MerchantID); err != nil {
			return nil, err
		}
		past = append(past, item)
	}
	return past, nil
}

// phoneScreen is the OVO app.
type phoneScreen struct {
	frame
	Phone phonePart
	Done  string // what the last step brought about, or ""
	Error string // why the last step was refused, or ""
	TopUp bool   // it was the top-up
}

func (v *visit) phone() error { return v.showPhone(http.StatusOK, "", nil) }

// phoneLive is the part of the page that changes by itself.
func (v *visit) phoneLive() error {
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	p, err := v.partOf(v.r.Context(), phone)
	if err != nil {
		return err
	}
	p.beside(v.r.URL.Query().Get("several"))
	v.render(http.StatusOK, "live", p)
	return nil
}

// showPhone shows the page. A refused step is shown at its form: at names a prompt
// or is "topup".
func (v *visit) showPhone(status int, at string, refused error) error {
	ctx := v.r.Context()
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	s := phoneScreen{TopUp: at == "topup"}
	if s.Phone, err = v.partOf(ctx, phone); err != nil {
		return err
	}
	s.frame = v.frame(s.Phone.Wallet.Name+" – "+string(phone), s.Phone.Path, nil).follow()
	s.Class = "narrow"
	if refused != nil {
		if s.Error = v.text.refusal(refused); s.Error == "" && gateway.ErrorCode(refused) == gateway.Invalid {
			s.Error = v.text.BadPIN
		}
		if s.Error == "" {
			return refused
		}
		for i := range s.Phone.Prompts {
			if item := &s.Phone.Prompts[i]; at == string(item.ID) {
				item.Use, item.Error, s.Error = useOf(v.form), s.Error, ""
			}
		}
	}
	if status == http.StatusOK {
		if s.Done, err = v.done(ctx, phone, v.r.URL.Query().Get("done")); err != nil {
			return err
		}
	}
	v.render(status, "phone", s)
	return nil
}

// maxPhones bounds the phones that stand side by side; each is a part of the page.
const maxPhones = 8

type phonesScreen struct {
	frame
	Phones []phonePart
	All    []phoneChoice
}

type phoneChoice struct {
	gateway.Wallet
	Shown bool
}

// phones shows several phones side by side, the chosen ones or the first.
func (v *visit) phones() error {
	ctx := v.r.Context()
	wallets, err := v.Gateway.Wallets(ctx)
	if err != nil {
		return err
	}
	wallets = wallets[:min(len(wallets), maxListed)]
	var chosen []gateway.Phone
	for _, text := range v.r.URL.Query()["phone"] {
		phone, err := v.phoneNamed(text)
		if err != nil {
			return err
		}
		if len(chosen) < maxPhones && !slices.Contains(chosen, phone) {
			chosen = append(chosen, phone)
		}
	}
	if len(chosen) == 0 {
		for _, w := range wallets {
			if _, magic := findMagic(w.Phone); !magic && len(chosen) < 3 {
				chosen = append(chosen, w.Phone)
			}
		}
	}
	var together []string
	for _, phone := range chosen {
		together = append(together, string(phone))
	}
	query := url.Values{"phone": together}
	s := phonesScreen{frame: v.frame(v.text.Phones, "/phones", query).follow()}
	s.Class = "wide"
	for _, phone := range chosen {
		p, err := v.partOf(ctx, phone)
		if err != nil {
			return err
		}
		p.beside(strings.Join(together, ","))
		s.Phones = append(s.Phones, p)
	}
	for _, w := range wallets {
		s.All = append(s.All, phoneChoice{w, slices.Contains(chosen, w.Phone)})
	}
	v.render(http.StatusOK, "phones", s)
	return nil
}

type historyScreen struct {
	frame
	Path, Name string
	Payments   []pastPayment
	Next       gateway.PaymentID
}

// pageSize is how much of a list one page shows.
const pageSize = 50

// history lists what a phone has paid, or not.
func (v *visit) history() error {
	ctx := v.r.Context()
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	wallet, err := v.Gateway.Wallet(ctx, phone)
	if err != nil {
		return err
	}
	before := v.r.URL.Query().Get("before")
	list, err := v.Gateway.WalletHistory(ctx, phone, gateway.PaymentID(before), pageSize)
	if err != nil {
		return err
	}
	s := historyScreen{Path: "/phone/" + string(phone), Name: wallet.Name}
	query := url.Values{}
	if before != "" {
		query.Set("before", before)
	}
	s.frame = v.frame(v.text.History, s.Path+"/history", query)
	s.Class = "narrow"
	if len(list) == pageSize {
		s.Next = list[pageSize-1].ID
	}
	if s.Payments, err = v.pastPayments(ctx, list); err != nil {
		return err
	}
	v.render(http.StatusOK, "history", s)
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

// backTo sends the browser back to where a step was taken.
func (v *visit) backTo(phone gateway.Phone, done string) {
	if several := v.form.Get("several"); several != "" {
		v.again("/phones", url.Values{"phone": strings.Split(several, ",")})
		return
	}
	v.again("/phone/"+string(phone), url.Values{"done": {done}})
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
		return v.showPhone(http.StatusUnprocessableEntity, string(id), err)
	}
	v.backTo(phone, string(id))
	return nil
}

func (v *visit) unlinkMerchant() error {
	phone, err := v.phoneNamed(v.r.PathValue("phone"))
	if err != nil {
		return err
	}
	if err := v.Gateway.Unlink(v.r.Context(), phone, gateway.BindingID(v.r.PathValue("id"))); err != nil {
		return v.showPhone(http.StatusUnprocessableEntity, "", err)
	}
	v.backTo(phone, "unlink")
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
				return v.showPhone(http.StatusUnprocessableEntity, "topup", &gateway.Error{Code: gateway.AmountInvalid})
			}
		}
	}
	if _, err := v.Gateway.TopUp(v.r.Context(), phone, in); err != nil {
		return v.showPhone(http.StatusUnprocessableEntity, "topup", err)
	}
	v.again("/phone/"+string(phone), url.Values{"done": {"topup"}})
	return nil
}
