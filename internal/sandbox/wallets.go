package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/issuer"
	"github.com/gerbang-pay/gerbang/internal/ledger"
	"github.com/gerbang-pay/gerbang/internal/money"
)

// walletView is a wallet as its issuer sees it, with what only a sandbox shows.
type walletView struct {
	issuer.Wallet
	PIN  string    `json:"pin"`
	OTPs []otpView `json:"otps"`
}

type otpView struct {
	Code      string    `json:"code"`
	Purpose   string    `json:"purpose"`
	PageURL   string    `json:"page_url"`
	Merchant  string    `json:"merchant"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (s *Sandbox) viewWallet(ctx context.Context, w gateway.Wallet) (v walletView, err error) {
	v.PIN, v.OTPs = w.PIN, []otpView{}
	if v.Wallet, err = issuer.ViewWallet(ctx, s.Gateway, w.Phone); err != nil {
		return v, err
	}
	inbox, err := s.Gateway.Inbox(ctx, w.Phone)
	if err != nil {
		return v, err
	}
	for _, item := range inbox {
		purpose := "binding"
		if item.Page.Kind.ForPayment() {
			purpose = "payment"
		}
		v.OTPs = append(v.OTPs, otpView{item.Code, purpose, s.PageURL(item.Page), item.Merchant, item.ExpiresAt})
	}
	return v, nil
}

// walletNow reads a wallet as it is after a change.
func (s *Sandbox) walletNow(ctx context.Context, phone gateway.Phone) (walletView, error) {
	w, err := s.Gateway.Wallet(ctx, phone)
	if err != nil {
		return walletView{}, err
	}
	return s.viewWallet(ctx, w)
}

func (s *Sandbox) listWallets(r *http.Request) (any, error) {
	wallets, err := s.Gateway.Wallets(r.Context())
	if err != nil {
		return nil, err
	}
	views := make([]walletView, 0, len(wallets))
	for _, w := range wallets {
		v, err := s.viewWallet(r.Context(), w)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return walletsAnswer{views}, nil
}

func (s *Sandbox) getWallet(r *http.Request) (any, error) {
	phone, err := s.phoneOf(r)
	if err != nil {
		return nil, err
	}
	return s.walletNow(r.Context(), phone)
}

// newWallet is a wallet to be opened, with what is in it.
type newWallet struct {
	issuer.NewWallet
	Cash   money.Amount `json:"cash"`
	Points money.Amount `json:"points"`
}

func (in newWallet) withDefaults() newWallet {
	if in.PIN == "" {
		in.PIN = "123456"
	}
	return in
}

func (s *Sandbox) createWallet(r *http.Request) (any, error) {
	in := newWallet{}.withDefaults()
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	phone, err := s.openWallet(r.Context(), in)
	if err != nil {
		return nil, err
	}
	v, err := s.walletNow(r.Context(), phone)
	return created(v), err
}

func (s *Sandbox) openWallet(ctx context.Context, in newWallet) (gateway.Phone, error) {
	w, err := in.Checked()
	if err != nil {
		return "", err
	}
	if in.Cash < 0 || in.Points < 0 || in.Cash > money.Max || in.Points > money.Max {
		return "", problem(http.StatusBadRequest, fmt.Sprintf("cash and points are 0 to %d rupiah", money.Max))
	}
	w.Balance = ledger.Split{Cash: in.Cash, Points: in.Points}
	_, err = s.Gateway.CreateWallet(ctx, w)
	return w.Phone, err
}

func (s *Sandbox) patchWallet(r *http.Request) (any, error) {
	phone, err := s.phoneOf(r)
	if err != nil {
		return nil, err
	}
	w, err := s.Gateway.Wallet(r.Context(), phone)
	if err != nil {
		return nil, err
	}
	in := walletChange{issuer.Limits(w.Limits)}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if _, err := s.Gateway.SetWalletLimits(r.Context(), phone, gateway.Limits(in.Limits)); err != nil {
		return nil, err
	}
	return s.walletNow(r.Context(), phone)
}

func (s *Sandbox) topUpWallet(r *http.Request) (any, error) {
	phone, err := s.phoneOf(r)
	if err != nil {
		return nil, err
	}
	var in issuer.TopUp
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if _, err := s.Gateway.TopUp(r.Context(), phone, ledger.Split{Cash: in.Cash, Points: in.Points}); err != nil {
		return nil, err
	}
	return s.walletNow(r.Context(), phone)
}

func (s *Sandbox) setWalletStatus(r *http.Request) (any, error) {
	phone, err := s.phoneOf(r)
	if err != nil {
		return nil, err
	}
	var in issuer.StatusChange
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if _, err := s.Gateway.SetWalletStatus(r.Context(), phone, in.Status); err != nil {
		return nil, err
	}
	return s.walletNow(r.Context(), phone)
}

// changeNumber moves a wallet to another phone number, as its owner may.
func (s *Sandbox) changeNumber(r *http.Request) (any, error) {
	from, err := s.phoneOf(r)
	if err != nil {
		return nil, err
	}
	var in issuer.NumberChange
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	to, err := parsePhone(in.Phone)
	if err != nil {
		return nil, err
	}
	if _, err := s.Gateway.ChangeNumber(r.Context(), from, to); err != nil {
		return nil, err
	}
	return s.walletNow(r.Context(), to)
}

func (s *Sandbox) unlink(r *http.Request) (any, error) {
	phone, err := s.phoneOf(r)
	if err != nil {
		return nil, err
	}
	if err := s.Gateway.Unlink(r.Context(), phone, gateway.BindingID(r.PathValue("id"))); err != nil {
		return nil, err
	}
	return s.walletNow(r.Context(), phone)
}

// completePage walks a hosted page as its customer would, for tests without a
// browser, and says where the browser would go.
func (s *Sandbox) completePage(r *http.Request) (any, error) {
	in := pageVisit{Outcome: "approve"}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	u, err := url.Parse(in.URL)
	if err != nil || in.URL == "" {
		return nil, problem(http.StatusBadRequest, "url is the address of a hosted page, as an answer of the protocol gave it")
	}
	v, err := s.walkPage(r.Context(), path.Base(u.Path), in.PIN, in.Outcome)
	if err != nil {
		return nil, err
	}
	redirect := ""
	if s.ReturnURL != nil {
		redirect = s.ReturnURL(r.Context(), v)
	}
	if redirect == "" {
		redirect = v.Page.ReturnURL()
	}
	return pageAnswer{redirect, v.Page.State}, nil
}

func (s *Sandbox) walkPage(ctx context.Context, key, pin, outcome string) (gateway.PageView, error) {
	v, err := s.Gateway.Page(ctx, key)
	if err != nil {
		return v, err
	}
	if !v.Page.State.Open() {
		return v, problem(http.StatusConflict, "the page is over; its state is "+string(v.Page.State))
	}
	w, err := s.Gateway.Wallet(ctx, v.Phone)
	if err != nil {
		return v, err
	}
	if pin == "" {
		pin = w.PIN
	}
	switch outcome {
	case "cancel":
		return s.Gateway.CancelPage(ctx, key)
	case "wrong_otp":
		return untilOver(v, func() (gateway.PageView, error) { return s.Gateway.EnterOTP(ctx, key, "wrong") })
	case "wrong_pin":
		if v, err = s.enterOTP(ctx, v); err != nil {
			return v, err
		}
		return untilOver(v, func() (gateway.PageView, error) { return s.Gateway.EnterPIN(ctx, key, "wrong") })
	case "approve":
		if v, err = s.enterOTP(ctx, v); err != nil {
			return v, err
		}
		return s.Gateway.EnterPIN(ctx, key, pin)
	default:
		return v, problem(http.StatusBadRequest, "outcome is approve, cancel, wrong_otp or wrong_pin")
	}
}

func (s *Sandbox) enterOTP(ctx context.Context, v gateway.PageView) (gateway.PageView, error) {
	if v.Page.State != gateway.PageOTP {
		return v, nil
	}
	return s.Gateway.EnterOTP(ctx, v.Page.Key, v.Page.OTP)
}

// untilOver repeats a wrong entry until the page gives up. The rules bound it.
func untilOver(v gateway.PageView, enter func() (gateway.PageView, error)) (gateway.PageView, error) {
	for v.Page.State.Open() {
		var err error
		if v, err = enter(); err != nil && gateway.ErrorCode(err) != gateway.OTPWrong && gateway.ErrorCode(err) != gateway.PINWrong {
			return v, err
		}
	}
	return v, nil
}
