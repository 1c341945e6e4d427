package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/signed"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

type checkCommand struct {
	clientFlags
	Receiver  string   `arg:"" help:"Address of the merchant's server. With a path, all notifications go there; without one, each keeps the path of the merchant's own address."`
	Dialect   []string `help:"What to check: snap, jokul, push, faspay." enum:"snap,jokul,push,faspay" default:"snap,jokul,push,faspay" placeholder:"NAME,…"`
	TokenPath string   `help:"Path of the merchant's token endpoint, for SNAP; if left out, that of the merchant's own address." placeholder:"PATH"`
	Merchant  string   `help:"The merchant whose receiver it is, by id, name, or id at a provider; the seeded one if left out." placeholder:"ID"`
	Addr      string   `help:"Address to get the sandbox's notifications on." default:"127.0.0.1:0" placeholder:"ADDR"`
	JSON      bool     `help:"Print JSON for programs."`
}

// finding is the outcome of one check.
type finding struct {
	Dialect string `json:"dialect"`
	Check   string `json:"check"`
	Verdict string `json:"verdict"` // pass, warn or fail
	Detail  string `json:"detail,omitempty"`
}

const (
	pass = "pass"
	warn = "warn"
	fail = "fail"
)

func (c checkCommand) Run(ctx context.Context, std streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	merchant, err := client.Merchant(ctx, c.Merchant)
	if err != nil {
		return err
	}
	keys, err := notifiedKeys(merchant)
	if err != nil {
		return err
	}
	to, err := newReceiver(c.Receiver)
	if err != nil {
		return err
	}
	var findings []finding
	for _, dialect := range c.Dialect {
		x := &examination{dialect: dialect, keys: keys, to: to, report: func(f finding) {
			findings = append(findings, f)
			if !c.JSON {
				printFinding(std.out, f)
			}
		}}
		if err := x.run(ctx, c, merchant); err != nil {
			return err
		}
	}
	failed := 0
	for _, f := range findings {
		if f.Verdict == fail {
			failed++
		}
	}
	if c.JSON {
		err = printJSON(std.out, map[string]any{"ok": failed == 0, "checks": findings})
	} else {
		_, err = fmt.Fprintf(std.out, "\n%d checks, %d failed.\n", len(findings), failed)
	}
	if err == nil && failed > 0 {
		err = errFailed
	}
	return err
}

func printFinding(w io.Writer, f finding) {
	fmt.Fprintf(w, "%-4s  %-6s  %s\n", f.Verdict, f.Dialect, f.Check)
	if f.Detail != "" {
		fmt.Fprintf(w, "              %s\n", oneLine(f.Detail))
	}
}

// examination checks a receiver in one dialect. A real event happens in the sandbox;
// its notification is caught on the way, and sent to the receiver in all the ways in
// which it should be refused, and at last as it is.
type examination struct {
	dialect string
	keys    signed.Keys
	to      *receiver
	report  func(finding)

	mu     sync.Mutex
	caught *signed.Message
	token  *signed.Message // the call for the merchant's token
	gave   delivery        // the receiver's answer to it
}

func (x *examination) run(ctx context.Context, c checkCommand, m sandbox.Merchant) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	at := listenAt{Merchant: m.ID, Path: x.to.path, TokenPath: c.TokenPath}
	l, err := openListener(ctx, client, c.Addr, at, x.catch)
	if err != nil {
		return err
	}
	defer l.close()
	stage, err := newStaging(client, m)
	if err != nil {
		return err
	}
	stage.Phone, stage.CustomerID, stage.Amount = "081290000001", "trigger", 10_000
	n, err := stage.play(ctx, x.dialect+".payment.succeeded", sendTimeout)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.token != nil {
		x.checkToken(ctx)
	}
	if x.caught == nil {
		x.add("a notification can be sent", fail, lastProblem(n))
		return nil
	}
	x.checkNotification(ctx, *x.caught)
	return ctx.Err()
}

func lastProblem(n sandbox.Notification) string {
	if k := len(n.Attempts); k > 0 {
		return n.Attempts[k-1].Error
	}
	return "it is " + string(n.State)
}

// catch takes what the sandbox sends. Calls for a token go on to the receiver.
func (x *examination) catch(ctx context.Context, m signed.Message) reply {
	x.mu.Lock()
	defer x.mu.Unlock()
	if m.Header.Get(snap.HeaderClientKey) != "" {
		d, err := x.to.deliver(ctx, m)
		if err != nil {
			d.reply = reply{http.StatusBadGateway, "text/plain", []byte(err.Error())}
		}
		x.token, x.gave = &m, d
		return d.reply
	}
	// A payment under a binding is told of after the binding.
	if !bytes.Contains(m.Body, []byte("originalPartnerReferenceNo")) && x.dialect == signed.SNAP {
		return reply{Status: http.StatusOK}
	}
	if m.Method != http.MethodGet { // so does an activation
		x.caught = &m
	}
	return acknowledge(m)
}

func (x *examination) add(check, verdict, detail string) {
	x.report(finding{x.dialect, check, verdict, detail})
}

// checkToken checks the endpoint that gives the gateway a token.
func (x *examination) checkToken(ctx context.Context) {
	var answer snap.MerchantTokenAnswer
	err := json.Unmarshal(x.gave.Body, &answer)
	switch {
	case x.gave.Status/100 != 2 || err != nil || answer.AccessToken == "":
		x.add("the token endpoint gives a token for a right signature", fail, x.gave.words())
		return
	case answer.Lifetime() == 0:
		x.add("the token endpoint gives a token for a right signature", warn, "expiresIn is missing or unreadable, so a token is fetched for every notification")
	default:
		x.add("the token endpoint gives a token for a right signature", pass, "")
	}
	m := x.token.With(snap.HeaderSignature, broken(x.token.Header.Get(snap.HeaderSignature)))
	d, err := x.to.deliver(ctx, m)
	switch refused := json.Unmarshal(d.Body, &answer) != nil || d.Status/100 != 2 || !strings.HasPrefix(answer.ResponseCode, "200"); {
	case err != nil:
		x.add("the token endpoint refuses a wrong signature", fail, err.Error())
	case !refused:
		x.add("the token endpoint refuses a wrong signature", fail, "anybody can get a token, and with it send notifications: "+d.words())
	default:
		x.add("the token endpoint refuses a wrong signature", pass, "")
	}
}

// slow is how long an answer may take before it is worth a word: the gateway waits
// 30 seconds, and goes on to the next notification of the merchant only then.
const slow = 5 * time.Second

func (x *examination) checkNotification(ctx context.Context, m signed.Message) {
	// What must be refused comes first, so that the receiver does not know the event.
	for _, f := range x.forgeries(m) {
		x.refuses(ctx, f.what, f.m)
	}
	if x.dialect != signed.Faspay { // whose signature has no time in it
		const check = "refuses a notification that was signed a day ago"
		if d, err := x.to.deliver(ctx, x.resigned(m, x.keys.SecretKey, now().Add(-24*time.Hour))); err == nil && x.taken(d) {
			x.add(check, warn, "who has caught one notification can send it again later; the timestamp should be near the time of arrival")
		} else {
			x.add(check, pass, "")
		}
	}
	x.survives(ctx, "a body that is neither JSON nor XML", x.resignedBody(m, []byte("{")))
	get := m
	get.Method, get.Body = http.MethodGet, nil
	x.survives(ctx, "a GET in place of the POST", get)

	d, ok := x.accepts(ctx, m)
	if !ok {
		return
	}
	x.judgeAnswer(d)
	x.again(ctx, m)
}

// forgery is a notification that must be refused, and what is wrong with it.
type forgery struct {
	what string
	m    signed.Message
}

var faspayStatus = regexp.MustCompile(`(payment_status_code[">: ]+)2`)

func (x *examination) forgeries(m signed.Message) []forgery {
	const wrong, missing, changed, foreign = "a wrong signature", "a notification without a signature", "an amount that was changed on the way", "a signature made with another secret"
	if x.dialect == signed.Faspay {
		edited := func(from, to string) signed.Message {
			e := m
			e.Body = bytes.Replace(m.Body, []byte(from), []byte(to), 1)
			return e
		}
		doc, err := faspay.Parse(m.Format(), m.Body)
		if err != nil { // the sandbox made it
			panic(err)
		}
		signature := doc.Get("signature").Literal()
		cancelled := m
		cancelled.Body = faspayStatus.ReplaceAll(m.Body, []byte("${1}8"))
		return []forgery{
			{wrong, edited(signature, broken(signature))},
			{missing, edited(signature, "")},
			// The signature covers the status, but not the amount.
			{"a status that was changed on the way", cancelled},
			{foreign, edited(signature, faspay.Sign(x.keys.UserID, "another", doc.Get("bill_no").Literal()+doc.Get("payment_status_code").Literal()))},
		}
	}
	name := snap.HeaderSignature
	if x.dialect != signed.SNAP {
		name = jokul.HeaderSignature
	}
	other := m
	other.Body = bytes.Replace(m.Body, []byte("10000"), []byte("99999"), 1)
	return []forgery{
		{wrong, m.With(name, broken(m.Header.Get(name)))}, {missing, m.With(name, "")}, {changed, other}, {foreign, x.resigned(m, "SK-another", now())},
	}
}

// taken tells whether the sandbox would see an acknowledgement in an answer.
func (x *examination) taken(d delivery) bool {
	if x.dialect == signed.Faspay {
		code, err := faspay.ReadAck(d.Body)
		return d.Status/100 == 2 && err == nil && faspay.Taken(code)
	}
	return d.Status/100 == 2
}

// refuses checks that a notification is answered with no success.
func (x *examination) refuses(ctx context.Context, what string, m signed.Message) {
	check := "refuses " + what
	switch d, err := x.to.deliver(ctx, m); {
	case err != nil:
		x.add(check, fail, err.Error())
	case x.taken(d):
		x.add(check, fail, "anybody could tell the shop that an order is paid: "+d.words())
	case d.Status >= 500:
		x.add(check, warn, "refused, but as a fault of the server's own; 401 is better: "+d.words())
	default:
		x.add(check, pass, "")
	}
}

// survives checks that nonsense is refused and nothing breaks.
func (x *examination) survives(ctx context.Context, what string, m signed.Message) {
	check := "survives " + what
	switch d, err := x.to.deliver(ctx, m); {
	case err != nil:
		x.add(check, fail, err.Error())
	case d.Status >= 500:
		x.add(check, warn, "the server failed instead of refusing: "+d.words())
	case x.taken(d):
		x.add(check, warn, "it was accepted: "+d.words())
	default:
		x.add(check, pass, "")
	}
}

// accepts checks that the genuine notification is acknowledged.
func (x *examination) accepts(ctx context.Context, m signed.Message) (d delivery, ok bool) {
	const check = "accepts the genuine notification"
	d, err := x.to.deliver(ctx, m)
	switch {
	case err != nil:
		x.add(check, fail, err.Error())
	case d.Status/100 == 3:
		x.add(check, fail, "redirects to "+d.Location+" are not followed: the address must answer itself")
	case !x.taken(d) && x.dialect == signed.Faspay:
		x.add(check, fail, "HTTP 2xx with response_code 00 or 14 acknowledges, everything else is sent again: "+d.words())
	case !x.taken(d):
		x.add(check, fail, "any 2xx acknowledges, everything else is sent again: "+d.words())
	default:
		x.add(check, pass, "")
		return d, true
	}
	return d, false
}

// judgeAnswer looks at how an acknowledgement was given.
func (x *examination) judgeAnswer(d delivery) {
	if d.Took > slow {
		x.add("answers quickly", warn, fmt.Sprintf("it took %s; note the event, answer, and do the work afterwards", d.Took.Round(time.Millisecond)))
	} else {
		x.add("answers quickly", pass, fmt.Sprintf("%d ms", d.Took.Milliseconds()))
	}
	if x.dialect != signed.SNAP {
		return // any body will do
	}
	const check = "answers as the protocol says"
	kind, _, _ := mime.ParseMediaType(d.ContentType)
	var ack snap.NotificationAck
	switch err := json.Unmarshal(d.Body, &ack); {
	case kind != "application/json":
		x.add(check, warn, fmt.Sprintf("the content type is %q, not application/json", d.ContentType))
	case err != nil || !strings.HasPrefix(ack.ResponseCode, "20056"):
		x.add(check, warn, "the body has no responseCode 2005600: "+d.words())
	default:
		x.add(check, pass, "")
	}
}

// again checks that what is told twice, and twice at once, is acknowledged.
func (x *examination) again(ctx context.Context, m signed.Message) {
	const check = "acknowledges a notification that it knows already"
	const twins = 4
	answers := make([]string, twins)
	var sending sync.WaitGroup
	for i := range answers {
		sending.Go(func() {
			d, err := x.to.deliver(ctx, m)
			if err != nil {
				answers[i] = err.Error()
			} else if !x.taken(d) {
				answers[i] = d.words()
			}
		})
	}
	sending.Wait()
	for _, problem := range answers {
		if problem != "" {
			x.add(check, fail, "notifications come at least once, so a repeat must be acknowledged too: "+problem)
			return
		}
	}
	x.add(check, pass, fmt.Sprintf("sent %d times more, all at once; see in your own books that the order was paid once", twins))
}

// resigned is a notification with another time and the signature made with a secret.
func (x *examination) resigned(m signed.Message, secret string, at time.Time) signed.Message {
	if x.dialect == signed.SNAP {
		timestamp := snap.FormatTime(at)
		token := snap.BearerToken(m.Header.Get(snap.HeaderAuthorization))
		return m.With(snap.HeaderTimestamp, timestamp).With(snap.HeaderSignature, snap.SignSymmetric(secret, m.Method, m.Target, token, m.Body, timestamp))
	}
	call := jokul.Call{
		Method: m.Method, Target: m.Target, ClientID: m.Header.Get(jokul.HeaderClientID), RequestID: m.Header.Get(jokul.HeaderRequestID), Timestamp: jokul.FormatTime(at),
	}
	return m.With(jokul.HeaderRequestTimestamp, call.Timestamp).With(jokul.HeaderSignature, jokul.SignRequest(secret, call, m.Body))
}

func (x *examination) resignedBody(m signed.Message, body []byte) signed.Message {
	m.Body = body
	if x.dialect == signed.Faspay {
		return m
	}
	return x.resigned(m, x.keys.SecretKey, now())
}

// words are an answer for people.
func (d delivery) words() string {
	text := string(d.Body)
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", d.Status, text))
}

// broken is a signature of the same form that is not the right one.
func broken(signature string) string {
	i := len(signature) / 2
	other := byte('0')
	if signature[i] == other {
		other = '1'
	}
	return signature[:i] + string(other) + signature[i+1:]
}
