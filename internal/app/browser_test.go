package app_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/gerbang-pay/gerbang/internal/web/webtest"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
)

// words splits a shell command as sh does, as far as the examples need it.
func words(command string) (list []string) {
	var word strings.Builder
	quoted, some := false, false
	for _, r := range strings.ReplaceAll(command, "\\\n", " ") {
		switch {
		case r == '\'':
			quoted, some = !quoted, true
		case !quoted && (r == ' ' || r == '\n'):
			if some {
				list = append(list, word.String())
			}
			word.Reset()
			some = false
		default:
			word.WriteRune(r)
			some = true
		}
	}
	if some {
		list = append(list, word.String())
	}
	return list
}

// paste does what a shell does with a curl command, and returns status and answer.
func paste(t testing.TB, command string) (int, map[string]any) {
	t.Helper()
	args := words(command)
	if len(args) < 2 || args[0] != "curl" {
		t.Fatalf("not a command: %q", command)
	}
	body := ""
	header := http.Header{}
	for i := 2; i < len(args); i += 2 {
		switch args[i] {
		case "-H":
			name, value, _ := strings.Cut(args[i+1], ": ")
			header.Set(name, value)
		case "-d":
			body = args[i+1]
		default:
			t.Fatalf("%s in %q", args[i], command)
		}
	}
	req, err := http.NewRequest(http.MethodPost, args[1], strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/xml") {
		var answer struct {
			Code string `xml:"response_code"`
			URL  string `xml:"redirectURL"`
		}
		if err := xml.Unmarshal(text, &answer); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, map[string]any{"response_code": answer.Code, "redirectURL": answer.URL}
	}
	var answer map[string]any
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// newcomer is somebody in front of the pages of a fresh sandbox.
type newcomer struct {
	*webtest.Browser
	t       testing.TB
	base    string
	control control
}

func newNewcomer(t testing.TB) *newcomer {
	t.Helper()
	b := webtest.Open(t) // first: it leaves the test out with -short
	a := start(t, t.TempDir())
	t.Cleanup(func() { stop(t, a) })
	n := &newcomer{b, t, a.BaseURL, control{t, a.BaseURL}}
	n.Screen(360, 740, false)
	return n
}

func (n *newcomer) host() string { return strings.TrimPrefix(n.base, "http://") }

// examples are the commands on the welcome page.
func (n *newcomer) examples() []string {
	n.t.Helper()
	n.Open(n.base + "/?lang=en")
	return webtest.Eval[[]string](n.Browser, `[...document.querySelectorAll("pre.copy")].map(e => e.textContent).filter(c => c.startsWith("curl") && c.includes("-H"))`)
}

// push is a signed push payment. A wrong secret makes a wrong check_sum.
func (n *newcomer) push(invoice, secret string, amount jokul.Number) (int, map[string]any) {
	n.t.Helper()
	in := jokul.PushRequest{
		Client: jokul.ClientRef{ID: seedClient}, Order: jokul.OrderTotal{InvoiceNumber: invoice, Amount: amount}, OVOInfo: jokul.OVOID{OVOID: anton},
	}
	in.Security.CheckSum = in.CheckSumFields().Sum(secret)
	body, err := json.Marshal(in)
	if err != nil {
		n.t.Fatal(err)
	}
	resp, err := client.Post(n.base+jokul.PathPush, "application/json", bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := map[string]any{}
	raw, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(raw, &answer)
	}
	if err != nil {
		n.t.Fatalf("%v: %s", err, raw)
	}
	return resp.StatusCode, answer
}

const (
	anton      = "081211111111"
	seedClient = "MCH-0001-10791114622547"
	seedSecret = "SK-9sCrJ1kdYUJAYlsJKlqz"
)

// From the welcome page alone a newcomer pastes a call, approves it on the phone,
// with the keyboard, and sees the payment, its ledger entries and its notification.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	examples := n.examples()
	if len(examples) != 8 {
		t.Fatalf("%d examples: %q", len(examples), examples)
	}
	type result struct {
		status int
		answer map[string]any
	}
	answered := make(chan result, 1)
	n.Open(n.base + "/phone/" + anton)
	go func() {
		status, answer := paste(t, examples[0])
		answered <- result{status, answer}
	}()
	n.WaitForText("Rp25.000") // without a reload
	n.WaitForText("Time left")
	n.Fits("the phone")
	n.Named("the phone")
	webtest.Eval[string](n.Browser, `document.querySelector("fieldset input").focus(); ""`)
	n.Press(kb.Tab)
	if got := webtest.Eval[string](n.Browser, `document.activeElement.name`); got != "pin" {
		t.Fatalf("behind the purses the focus is on %q", got)
	}
	n.Press("123456")
	n.Enter(kb.Enter)
	if text := n.Text(); !strings.Contains(text, "Paid Rp25.000") {
		t.Errorf("after the approval the phone reads:\n%s", text)
	}
	got := <-answered
	if payment, _ := got.answer["ovo_payment"].(map[string]any); got.status != 200 || payment["response_code"] != "00" {
		t.Errorf("the waiting call was answered HTTP %d %v", got.status, got.answer)
	}

	n.Click("ul.list a[href^='/payments/']")
	n.WaitForText("no address")
	for _, want := range []string{"Payment succeeded", "−Rp25.000", "+Rp25.000", "POST /ovo-emoney/v1/payment"} {
		if text := n.Text(); !strings.Contains(text, want) {
			t.Errorf("the payment's page lacks %q:\n%s", want, text)
		}
	}
	n.Fits("the payment")
	n.Named("the payment")
	n.Click("#here")
	n.WaitForText("delivered")
	n.WaitForText("Notification, attempt 1: HTTP 200")

	n.Open(n.base + "/requests?dialect=shop")
	if text := n.Text(); !strings.Contains(text, "POST /sandbox/shop/notification") {
		t.Errorf("the notification is not among the calls:\n%s", text)
	}
	n.Fits("the calls")
	n.Named("the calls")
	n.Quiet(n.host())
}

// Every call on the welcome page is admitted as pasted, once.
func TestExamplesVerify(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	examples := n.examples()
	for i, command := range examples[1:] {
		if status, answer := paste(t, command); status/100 != 2 {
			t.Errorf("example %d: HTTP %d %v\n%s", i+1, status, answer, command)
		} else if code, business := answer["response_code"]; business && code != "00" { // Faspay refuses with HTTP 200
			t.Errorf("example %d: %v\n%s", i+1, answer, command)
		}
	}
	var list struct {
		Requests []struct {
			Target    string
			Signature struct{ OK bool }
		}
	}
	n.control.call("GET", "/requests", nil, 200, &list)
	if len(list.Requests) != len(examples)-1 {
		t.Errorf("%d calls are logged", len(list.Requests))
	}
	for _, r := range list.Requests {
		if !r.Signature.OK {
			t.Errorf("the signature of %s is wrong", r.Target)
		}
	}
}

// A one-time code comes to the phone by itself.
func TestCodeArrives(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	binding := n.examples()[1]
	n.Open(n.base + "/phone/" + anton + "?lang=id")
	_, answer := paste(t, binding)
	account, _ := answer["ovo_account"].(map[string]any)
	address, _ := account["registration_url"].(string)
	resp, err := client.Get(address) // the customer's browser opens it, which sends the code
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	n.WaitForText("Kode untuk menghubungkan akun")
	n.WaitFor(`/^[0-9]{6}$/.test(document.querySelector(".otp").textContent)`)
	if said := webtest.Eval[string](n.Browser, `document.getElementById("speaker").textContent`); said != "Kode OTP masuk." {
		t.Errorf("the screen reader hears %q", said)
	}
	n.Quiet(n.host())
}

// A wrong signature shows up by itself, and its page says where it is wrong.
func TestExplainerInBrowser(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	n.Open(n.base + "/requests?signature=wrong&lang=en")
	n.WaitForText("No call matches.")
	n.push("INV-1", "9sCrJ1kdYUJAYlsJKlqz", 10_000)
	n.WaitForText("wrong signature")
	n.Click("#calls a")
	text := n.Text()
	for _, want := range []string{"without its prefix SK-", "You signed the same string as the server", "10000" + seedClient + "INV-1" + anton + "{secret key}"} {
		if !strings.Contains(text, want) {
			t.Errorf("the call's page lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, seedSecret) {
		t.Error("the page gives the secret away")
	}

	in := jokul.PushRequest{Client: jokul.ClientRef{ID: seedClient}, Order: jokul.OrderTotal{InvoiceNumber: "INV-2", Amount: 10_000}, OVOInfo: jokul.OVOID{OVOID: "62" + anton[1:]}}
	in.Security.CheckSum = in.CheckSumFields().Sum(seedSecret)
	in.OVOInfo.OVOID = anton // what is sent is spelled differently from what was signed
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Post(n.base+jokul.PathPush, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	n.Open(n.base + "/requests?invoice=INV-2")
	n.Click("#calls a")
	if got := webtest.Eval[[]string](n.Browser, `[...document.querySelectorAll("mark")].slice(0, 2).map(e => e.textContent + e.nextSibling.textContent)`); len(got) != 2 ||
		!strings.HasPrefix(got[0], anton) || !strings.HasPrefix(got[1], "62"+anton[1:]) {
		t.Errorf("marked: %q", got)
	}
	if text := n.Text(); !strings.Contains(text, "spelled differently") {
		t.Errorf("the page reads:\n%s", text)
	}
	n.Fits("the explainer")
	n.Named("the explainer")
	n.Quiet(n.host())
}

// What others name is text everywhere, and the keyboard alone gets everywhere.
func TestHostileNamesAndKeyboard(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	const evil = `<script>pwned=1</script>`
	done := make(chan struct{})
	n.Open(n.base + "/phones?lang=en")
	go func() {
		defer close(done)
		n.push(evil, seedSecret, 1_000)
	}()
	n.WaitForText(evil)
	n.Fits("the phones")
	n.Named("the phones")
	for _, path := range []string{"/", "/requests", "/payments", "/phone/" + anton, "/simulator/ovo?phone=" + anton + "&invoice=" + evil} {
		n.Open(n.base + path)
		n.Fits(path)
		n.Named(path)
		if webtest.Eval[bool](n.Browser, `"pwned" in window`) {
			t.Errorf("%s ran the name of an invoice", path)
		}
	}
	n.Open(n.base + "/payments")
	n.WaitForText(evil)
	n.Press(kb.Tab)
	if got := webtest.Eval[string](n.Browser, `document.activeElement.className`); got != "skip" {
		t.Errorf("the first stop of the keyboard is %q", got)
	}
	n.Press(kb.Enter)
	n.Press(kb.Tab)
	if got := webtest.Eval[bool](n.Browser, `document.getElementById("content").contains(document.activeElement)`); !got {
		t.Error("the link over the navigation does not lead into the content")
	}
	n.Enter(kb.Enter)
	n.WaitForText(evil)
	n.control.call("POST", "/clock/advance", map[string]string{"by": "71s"}, 200, nil)
	<-done
	n.WaitForText("expired") // the page follows
	n.Quiet(n.host())
}

var rewriteScreenshots = flag.Bool("screenshots", false, "rewrite docs/screenshots")

// Every page fits every screen, and docs/screenshots shows it. -screenshots makes
// the pictures anew.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	dir := filepath.Join("..", "..", "docs", "screenshots")
	examples := n.examples()
	_, answer := paste(t, examples[1])
	account, _ := answer["ovo_account"].(map[string]any)
	address, _ := account["registration_url"].(string)
	resp, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	paste(t, examples[2])
	_, answer = paste(t, examples[3])
	address, _ = answer["redirectUrl"].(string)
	n.control.complete(address, "approve")
	n.push("ORDER-1041", "9sCrJ1kdYUJAYlsJKlqz", 18_000)
	in := jokul.PushRequest{Client: jokul.ClientRef{ID: seedClient}, Order: jokul.OrderTotal{InvoiceNumber: "ORDER-1042", Amount: 18_000}, OVOInfo: jokul.OVOID{OVOID: "62" + anton[1:]}}
	in.Security.CheckSum = in.CheckSumFields().Sum(seedSecret)
	in.OVOInfo.OVOID = anton
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err = client.Post(n.base+jokul.PathPush, "application/json", bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	done := make(chan struct{}, 2)
	ask := func(invoice string, amount jokul.Number) {
		n.push(invoice, seedSecret, amount)
		done <- struct{}{}
	}
	go ask("ORDER-1043", 45_000)
	prompt := func(invoice string) (id string) {
		for id == "" {
			var w struct {
				Prompts []struct {
					ID      string
					Invoice string `json:"invoice_number"`
				}
			}
			n.control.call("GET", "/wallets/"+anton, nil, 200, &w)
			for _, p := range w.Prompts {
				if p.Invoice == invoice {
					id = p.ID
				}
			}
		}
		return id
	}
	paid := prompt("ORDER-1043")
	n.control.call("POST", "/wallets/"+anton+"/prompts/"+paid+"/approve", map[string]string{"use": "points_first"}, 200, nil)
	<-done
	n.Open(n.base + "/payments/" + paid)
	n.Click("#here")
	n.WaitForText("delivered")
	go ask("ORDER-1044", 25_000)
	prompt("ORDER-1044")
	var calls struct{ Requests []struct{ ID string } }
	n.control.call("GET", "/requests?invoice=ORDER-1042", nil, 200, &calls)

	for _, shot := range []struct {
		name, path string
		looks      []look
	}{
		{"welcome", "/", all},
		{"phone", "/phone/" + anton, all},
		{"phones", "/phones", wide},
		{"calls", "/requests", all},
		{"explainer", "/requests/" + calls.Requests[0].ID, all},
		{"payments", "/payments", wide},
		{"payment", "/payments/" + paid, all},
		{"history", "/phone/" + anton + "/history", wide[:1]},
		{"simulator", "/simulator/ovo?phone=" + anton + "&invoice=ORDER-1044", wide[:1]},
		{"problem", "/phone/0", wide[:1]},
	} {
		for _, l := range shot.looks {
			n.Screen(l.width, l.height, l.dark)
			n.Open(n.base + shot.path)
			n.WaitFor(`document.readyState == "complete"`)
			n.Fits(shot.name + l.suffix)
			file := filepath.Join(dir, shot.name+l.suffix+".png")
			if *rewriteScreenshots {
				if err := os.WriteFile(file, webtest.FewColours(n.Picture()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%v; go test ./internal/app -run TestScreenshots -screenshots makes it", err)
			}
		}
	}
	n.control.call("POST", "/clock/advance", map[string]string{"by": "71s"}, 200, nil)
	<-done
}

// look is a way to look at a page.
type look struct {
	suffix        string
	width, height int64
	dark          bool
}

var (
	wide = []look{{"", 1100, 1000, false}, {"-dark", 1100, 1000, true}}
	all  = append(wide[:2:2], look{"-phone", 360, 900, false})
)
