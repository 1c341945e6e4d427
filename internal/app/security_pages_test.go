package app_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/ovo"
)

// hostile are texts that do harm where they are taken for markup, for a part of an
// attribute, or for a part of a statement.
var hostile = []string{
	`<script>alert(1)</script>`, `<ScRiPt>alert(1)</sCrIpT>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `" autofocus onfocus="alert(1)`,
	`</title><script>alert(1)</script>`, `</textarea><svg/onload=alert(1)>`, `<!--<script>`, `<svg><style><img src=x onerror=alert(1)>`,
	`]]><script>alert(1)</script>`, `<a href="javascript:alert(1)">x</a>`, `<iframe srcdoc="<script>alert(1)</script>">`, `<math></form><form>`,
	`<base href=//evil.test>`, `<meta http-equiv=refresh content=0;url=//evil.test>`, `<link rel=stylesheet href=//evil.test>`,
	`<button formaction=//evil.test>`, `<object data=//evil.test>`, `'; DROP TABLE payment; --`, `' OR '1'='1`, `\"><script>alert(1)</script>`,
}

var (
	links    = regexp.MustCompile(`(?:href|src|action|data-live)="([^"]*)"`)
	anyID    = regexp.MustCompile(`/[a-z]{3}_[0-9A-Za-z]+`)
	anyPhone = regexp.MustCompile(`/08\d{8,}`)
	anyText  = regexp.MustCompile(`/[^/]*%[^/]*`)
)

// TestHostileTexts gives merchants, wallets, customers, payments and calls such texts,
// and then follows every link of every page for people: nowhere do they stand as they
// were written, and every page forbids what it does not need.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	c, dir := running(t)
	seeded := c.seededMerchant()
	var phones []string
	for i, text := range hostile {
		var m merchant
		c.call("POST", "/merchants", map[string]any{"name": text, "doku": map[string]string{"public_key_pem": seeded.DOKU.PublicKeyPEM}}, 201, &m)
		m.DOKU.PrivateKeyPEM = seeded.DOKU.PrivateKeyPEM // to make pairs takes seconds
		phone := "08130000" + string(rune('0'+i/10)) + string(rune('0'+i%10)) + "00"
		phones = append(phones, phone)
		c.call("POST", "/wallets", map[string]any{"phone": phone, "name": text, "pin": "123456", "cash": 100_000}, 201, nil)
		snap := c.snapClient(m)
		token := c.bind(snap, phone, text)
		if _, err := snap.Pay(t.Context(), ovo.PayRequest{CustomerToken: token, Reference: text, Type: ovo.Recurring, Amount: 1_000}); err != nil {
			t.Fatalf("%s as a reference: %v", text, err)
		}
		if _, err := snap.Refund(t.Context(), ovo.RefundRequest{Reference: text, RefundReference: text, Amount: 1, Reason: text}); err != nil {
			t.Fatalf("%s as a refund's reference: %v", text, err)
		}
		req, err := http.NewRequest("POST", c.base+"/direct-debit/core/v1/"+url.PathEscape(text), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"User-Agent", "X-PARTNER-ID", "X-SIGNATURE", "Authorization", "Referer"} {
			req.Header.Set(name, text)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	stored := map[string]bool{}
	for _, p := range c.payments() {
		stored[p.Reference] = true
	}
	for _, text := range hostile {
		if !stored[text] {
			t.Errorf("no payment has the reference %s", text)
		}
	}

	own, _ := url.Parse(c.base)
	queue := []string{"/", "/phones", "/sandbox/v1/merchants", "/direct-debit/nothing", "/healthz", "/nothing", "/requests", "/payments", "/simulator/ovo", "/backoffice/", "/backoffice/find?q=" + url.QueryEscape(hostile[0]), "/backoffice/ledger?account=" + url.QueryEscape(hostile[2])}
	for _, text := range hostile {
		q := url.QueryEscape(text)
		queue = append(queue, "/requests?invoice="+q, "/phone/"+url.PathEscape(text), "/?lang="+q, "/backoffice/payments?number="+q+"&amount="+q, "/backoffice/"+url.PathEscape(text))
	}
	for _, phone := range phones {
		queue = append(queue, "/phone/"+phone+"/history", "/phones?phone="+phone)
	}
	kinds, seen, shown := map[string]int{}, map[string]bool{}, 0
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		path, _, _ := strings.Cut(at, "?")
		kind := anyText.ReplaceAllString(anyPhone.ReplaceAllString(anyID.ReplaceAllString(path, "/ID"), "/PHONE"), "/TEXT")
		if seen[at] || kinds[kind] >= 10 {
			continue
		}
		seen[at] = true
		kinds[kind]++
		resp, err := client.Get(c.base + at)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		page := string(body)
		if resp.StatusCode >= 500 {
			t.Errorf("%s: HTTP %d", at, resp.StatusCode)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "frame-ancestors 'none'") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", at, resp.Header)
		}
		if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, part := range []string{"default-src 'none'", "base-uri 'none'", "form-action "} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s: %s", at, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || resp.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(resp.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: headers %v", at, resp.Header)
		}
		for _, text := range hostile {
			if strings.Contains(page, text) {
				t.Errorf("%s shows %s as it was written", at, text)
			}
			shown += strings.Count(html.UnescapeString(page), text)
		}
		for _, link := range links.FindAllStringSubmatch(page, -1) {
			to, err := url.Parse(html.UnescapeString(link[1]))
			switch {
			case err != nil || to.Scheme == "javascript" || to.Scheme == "" && to.Host != "":
				t.Errorf("%s leads to %q", at, link[1])
			case to.Scheme == "" || to.Host == own.Host:
				if base, err := url.Parse(at); err == nil && strings.HasPrefix(link[0], "href") {
					if next := base.ResolveReference(to).RequestURI(); strings.HasPrefix(next, "/") {
						queue = append(queue, next)
					} else {
						t.Errorf("%s links to %q", at, link[0])
					}
				}
			}
		}
	}
	t.Logf("%d pages of %d kinds, %d hostile texts on them", len(seen), len(kinds), shown)
	for _, kind := range []string{
		"/", "/phone/PHONE", "/phone/PHONE/history", "/requests/ID", "/payments/ID", "/backoffice/payments/ID", "/backoffice/bindings/ID", "/backoffice/notifications/ID",
		"/backoffice/merchants/ID", "/backoffice/wallets/PHONE", "/backoffice/ledger/ID", "/backoffice/trail", "/backoffice/settlement",
	} {
		if kinds[kind] == 0 {
			t.Errorf("no page %s was reached; reached were %v", kind, kinds)
		}
	}
	if shown < 500 {
		t.Errorf("only %d hostile texts were shown", shown)
	}
	auditedFromOutside(t, dir)
}
