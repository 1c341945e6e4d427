package main

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/ovo"
)

const (
	product = "Es kopi susu"
	price   = 18_000
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("shop", flag.ContinueOnError)
	flags.SetOutput(stderr)
	protocol := flags.String("protocol", "snap", "snap, jokul, push, faspay-json or faspay-xml")
	gateway := flags.String("gateway", cmp.Or(os.Getenv("SHOP_GATEWAY"), ovo.GerbangSandbox), "base URL of the gateway ($SHOP_GATEWAY)")
	credentials := flags.String("account", os.Getenv("SHOP_ACCOUNT"), "file with the merchant's credentials ($SHOP_ACCOUNT); the gateway is a sandbox and asked for them if there is none")
	addr := flags.String("addr", "127.0.0.1:8700", "address to listen on")
	public := flags.String("url", "", "base URL at which browsers and the gateway reach the shop; http:// and the address if left out")
	file := flags.String("data", "shop.json", "file that keeps orders and links")
	if err := flags.Parse(args); err != nil {
		return err
	}
	socket, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	defer socket.Close()
	url := cmp.Or(*public, "http://"+socket.Addr().String())
	a, err := openAccount(ctx, *credentials, *gateway, url, *protocol)
	if err != nil {
		return err
	}
	s := &shop{ctx: ctx, url: url, file: *file, log: slog.New(slog.NewTextHandler(stderr, nil))}
	if *credentials == "" {
		s.phones = *gateway + "/phone/"
	}
	if err := s.open(*protocol, *gateway, a); err != nil {
		return err
	}
	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		server.Shutdown(patience)
	}()
	fmt.Fprintf(stdout, "The shop speaks %s with %s. Open %s\n", *protocol, *gateway, url)
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-closed
	s.background.Wait()
	return nil
}

// order is what a customer wants to buy.
type order struct {
	ID     string // also the secret in the address of its page
	Phone  string
	State  state
	Page   string // where the customer goes on, if anywhere
	TrxID  string // Faspay's number of the payment
	Reason string // why it failed
}

type state string

const (
	linking  state = "linking"  // the customer has not let the shop charge the wallet
	paying   state = "paying"   // a charge was sent, or is about to be
	paid     state = "paid"     // a notification or the gateway's status says so
	failed   state = "failed"   // nobody was charged
	refunded state = "refunded" // the money went back
)

// shop keeps orders in a file: a server that forgets what it has charged for is worse
// than one that is down.
type shop struct {
	ctx        context.Context // of what goes on when a request is over
	background sync.WaitGroup
	method     method
	url        string // where browsers reach the shop
	phones     string // where the sandbox shows phones, or ""
	log        *slog.Logger
	file       string

	mu   sync.Mutex
	data struct {
		Orders    map[string]order
		AuthCodes map[string]string // of SNAP, by phone
	}
}

// open reads the file, chooses the protocol, and asks for the end of charges that a
// crash has left undecided.
func (s *shop) open(protocol, gateway string, a account) error {
	s.data.Orders, s.data.AuthCodes = map[string]order{}, map[string]string{}
	text, err := os.ReadFile(s.file)
	if err == nil {
		err = json.Unmarshal(text, &s.data)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	if s.method, err = s.speak(protocol, gateway, a); err != nil {
		return err
	}
	for id, o := range s.data.Orders {
		if o.State == paying {
			s.background.Go(func() { s.settle(id) })
		}
	}
	return nil
}

// change applies f to an order and stores the result, unless f reports false.
func (s *shop) change(id string, f func(*order) bool) (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.data.Orders[id]
	after := before
	if !f(&after) {
		return false, nil
	}
	s.data.Orders[id] = after
	if err := s.save(); err != nil {
		s.data.Orders[id] = before
		return false, err
	}
	return true, nil
}

// save replaces the file as a whole.
func (s *shop) save() error {
	text, err := json.MarshalIndent(s.data, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(s.file+".new", s.file)
}

func (s *shop) order(id string) (o order, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o = s.data.Orders[id]
	return o, o.ID != ""
}

func (s *shop) authCode(phone string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.AuthCodes[phone]
}

func (s *shop) keepAuthCode(phone, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data.AuthCodes[phone] = code
	return s.save()
}

// notified takes a notification, which may come more than once and in any order. An
// error makes the gateway deliver it again.
func (s *shop) notified(id string, how ovo.State, amount int64) error {
	if _, ours := s.order(id); !ours {
		return nil // of another shop with the same account
	}
	if how == ovo.StateSuccess && amount != price {
		return fmt.Errorf("order %s: Rp%d were paid for Rp%d", id, amount, price)
	}
	return s.end(id, how, "The payment was not made.")
}

// end stores how a charge ended. What is paid stays paid.
func (s *shop) end(id string, how ovo.State, reason string) error {
	_, err := s.change(id, func(o *order) bool {
		switch {
		case o.State == paid || o.State == refunded || !how.Final():
			return false
		case how == ovo.StateSuccess:
			o.State, o.Page, o.Reason = paid, "", ""
		case how == ovo.StateRefunded:
			o.State, o.Page, o.Reason = refunded, "", ""
		default:
			o.State, o.Page, o.Reason = failed, "", reason
		}
		return true
	})
	return err
}

// charged acts on the answer to a charge. That it was accepted is no proof of
// payment; that it was refused is one that there was none.
func (s *shop) charged(id string, err error) {
	switch {
	case err == nil:
	case errors.Is(err, ovo.ErrOutcomeUnknown), errors.Is(err, ovo.ErrDuplicate), errors.Is(err, ovo.ErrConflict):
		s.log.Warn("asking how a charge ended", "order", id, "error", err)
		s.background.Go(func() { s.settle(id) })
	default:
		s.log.Info("a charge was refused", "order", id, "error", err)
		if err := s.end(id, ovo.StateFailed, explain(err)); err != nil {
			s.log.Error("an order could not be stored", "order", id, "error", err)
		}
	}
}

// undecided is how long the gateway is asked for the end of a charge. A request older
// than its clock window cannot arrive any more.
const undecided = 20 * time.Minute

// settle asks how a charge ended and stores it.
func (s *shop) settle(id string) {
	ctx, cancel := context.WithTimeout(s.ctx, undecided)
	defer cancel()
	o, _ := s.order(id)
	how, err := s.method.settle(ctx, o)
	if s.ctx.Err() == nil && errors.Is(err, ovo.ErrNotFound) {
		how, err = ovo.StateFailed, nil // it never arrived
	}
	if err == nil {
		err = s.end(id, how, "The payment was not made.")
	}
	if err != nil {
		s.log.Error("a charge is undecided; it is asked for again at the next start", "order", id, "error", err)
	}
}

// reasons are what a customer is told when nothing was charged.
var reasons = []struct {
	err  error
	text string
}{
	{ovo.ErrInsufficientFunds, "There is not enough money in the wallet."},
	{ovo.ErrLimitExceeded, "The payment is over a limit of the wallet."},
	{ovo.ErrWalletUnavailable, "This number has no OVO wallet that can be used here."},
	{ovo.ErrInvalidRequest, "This is no Indonesian mobile number."},
	{ovo.ErrCustomerToken, "The wallet is not linked any more. Buy again to link it."},
	{ovo.ErrUnavailable, "OVO cannot be reached at the moment."},
}

func explain(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.text
		}
	}
	return "OVO refused."
}

func (s *shop) handler() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.show(w, http.StatusOK, view{}) })
	pages.HandleFunc("POST /orders", s.buy)
	pages.HandleFunc("GET "+pathBack, s.back)
	pages.HandleFunc("GET /orders/{id}", s.look)
	pages.HandleFunc("POST /orders/{id}/refund", s.giveBack)
	mux := http.NewServeMux()
	mux.Handle("/", http.NewCrossOriginProtection().Handler(pages))
	for _, path := range []string{"/snap/", "/doku/", "/faspay/"} {
		mux.Handle(path, s.method)
	}
	return mux
}

// cookie remembers the order of a browser that is away on the gateway's pages, whose
// way back is the same address for everybody.
const cookie = "shop_order"

func (s *shop) buy(w http.ResponseWriter, r *http.Request) {
	phone := local(r.PostFormValue("phone"))
	id := rand.Text()
	o := order{ID: id, Phone: phone, State: linking}
	ready, err := s.method.linked(r.Context(), o)
	if err == nil && !ready {
		o.Page, err = s.method.link(r.Context(), o)
	}
	if err == nil {
		_, err = s.change(id, func(fresh *order) bool { *fresh = o; return true })
	}
	if err != nil {
		s.log.Info("an order was refused", "error", err)
		s.show(w, http.StatusUnprocessableEntity, view{Phone: phone, Problem: explain(err)})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	if ready {
		s.pay(w, r, id)
		return
	}
	http.Redirect(w, r, o.Page, http.StatusSeeOther)
}

// local writes a phone number as 08…, so that a customer is one customer.
func local(phone string) string {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(phone)
	for _, country := range []string{"+62", "62"} {
		if rest, ok := strings.CutPrefix(digits, country); ok {
			return "0" + rest
		}
	}
	return digits
}

// back is where the gateway's pages send the browser. That it came proves nothing.
func (s *shop) back(w http.ResponseWriter, r *http.Request) {
	at, err := r.Cookie(cookie)
	if err != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	o, known := s.order(at.Value)
	if !known || o.State != linking {
		http.Redirect(w, r, "/orders/"+at.Value, http.StatusSeeOther)
		return
	}
	ready, err := s.method.linked(r.Context(), o)
	if ready {
		s.pay(w, r, o.ID)
		return
	}
	reason := "The wallet was not linked."
	if err != nil {
		reason = explain(err)
	}
	s.answer(w, r, o.ID, "", s.end(o.ID, ovo.StateFailed, reason))
}

// pay charges an order once, whoever asks how often.
func (s *shop) pay(w http.ResponseWriter, r *http.Request, id string) {
	first, err := s.change(id, func(o *order) bool {
		mine := o.State == linking
		o.State, o.Page = paying, ""
		return mine
	})
	if err != nil || !first {
		s.answer(w, r, id, "", err)
		return
	}
	o, _ := s.order(id)
	ctx := context.WithoutCancel(r.Context()) // a browser that leaves does not end a charge
	page, err := s.method.charge(ctx, &o)
	if err == nil && page != "" {
		_, err := s.change(id, func(now *order) bool { now.Page, now.TrxID = page, o.TrxID; return now.State == paying })
		s.answer(w, r, id, page, err)
		return
	}
	s.charged(id, err)
	s.answer(w, r, id, "", nil)
}

func (s *shop) answer(w http.ResponseWriter, r *http.Request, id, page string, err error) {
	if err != nil {
		s.log.Error("an order could not be stored", "order", id, "error", err)
		http.Error(w, "Something is broken here.", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, cmp.Or(page, "/orders/"+id), http.StatusSeeOther)
}

func (s *shop) look(w http.ResponseWriter, r *http.Request) {
	o, ok := s.order(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	s.show(w, http.StatusOK, view{Order: &o})
}

// giveBack refunds. In a real shop this is for its staff.
func (s *shop) giveBack(w http.ResponseWriter, r *http.Request) {
	o, ok := s.order(r.PathValue("id"))
	if !ok || o.State != paid {
		http.Redirect(w, r, "/orders/"+o.ID, http.StatusSeeOther)
		return
	}
	err := s.method.refund(r.Context(), o)
	switch {
	case err == nil:
		_, err = s.change(o.ID, func(o *order) bool { o.State = refunded; return true })
		s.answer(w, r, o.ID, "", err)
		return
	case errors.Is(err, errByHand):
		err = errByHand
	case errors.Is(err, ovo.ErrOutcomeUnknown):
		err = ovo.ErrOutcomeUnknown
	}
	s.log.Warn("no refund", "order", o.ID, "error", err)
	s.show(w, http.StatusConflict, view{Order: &o, Problem: cmp.Or(refundProblems[err], "The refund was refused.")})
}

var refundProblems = map[error]string{
	errByHand:             "This protocol has no call for refunds. Ask the provider's people, and press the button again when they have done it.",
	ovo.ErrOutcomeUnknown: "Nobody can tell whether the refund was made. Press the button again: it is made once.",
}

// view is what a page shows: the form, or an order.
type view struct {
	Product string
	Price   string
	Phone   string
	Problem string
	Order   *order
	Inbox   string // the sandbox's phone of the customer, or ""
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Waiting tells whether the page must look again by itself.
func (v view) Waiting() bool {
	return v.Order != nil && (v.Order.State == linking || v.Order.State == paying)
}

func (s *shop) show(w http.ResponseWriter, status int, v view) {
	v.Product, v.Price = product, fmt.Sprintf("Rp%d.%03d", price/1000, price%1000)
	if v.Order != nil && s.phones != "" {
		v.Inbox = s.phones + v.Order.Phone
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer") // an order's address is its key
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := page.Execute(w, v); err != nil {
		s.log.Error("a page could not be shown", "error", err)
	}
}
