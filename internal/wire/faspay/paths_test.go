package faspay

import (
	"strings"
	"testing"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	p := DefaultPaths()
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	if err := ProductionPaths().Check(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Route{
		"/cvr/100037/10":                  {Service: ServiceActivation, Format: JSON},
		"/pws/100037/183xx00010100000/":   {Service: ServiceActivation, Format: XML},
		"/pws/100037/183xx00010100000":    {Service: ServiceActivation, Format: XML},
		"/cvr/100004/10":                  {Service: ServiceInquiry, Format: JSON},
		"/pws/100005/183xx00010100000":    {Service: ServiceCancel, Format: XML},
		"/cvr/100042/10":                  {Service: ServiceUnlink, Format: JSON},
		"/cvr/999999/10":                  {Format: JSON},
		"/pws/300011/183xx00010100000/":   {Format: XML},
		"/pws/100037/383xx00010100000/":   {},
		"/cvr/100037/10/":                 {},
		"/cvr/100037/11":                  {},
		"/cvr//10":                        {},
		"/cvr/10":                         {},
		"/cvr/payment/10":                 {},
		"/cvr/100037/x/10":                {},
		"/pws/100037/18300010100000/":     {},
		"/CVR/100037/10":                  {},
		"/":                               {},
		"":                                {},
		"/direct-debit/core/v1/debit/pay": {},
	} {
		got, ok := p.Find(path)
		if want.Format != "" {
			want.Path = path
		}
		if got != want || ok != (want.Format != "") {
			t.Errorf("Find(%q) = %+v, %v", path, got, ok)
		}
	}
	if r, ok := ProductionPaths().Find("/pws/100038/383xx00010100000"); !ok || r.Service != ServicePayment {
		t.Errorf("production path: %+v, %v", r, ok)
	}
	seen := map[string]bool{}
	for _, r := range ProductionPaths().Routes() {
		if found, ok := ProductionPaths().Find(r.Path); seen[r.Path] || !ok || found != r {
			t.Errorf("route %+v is found as %+v", r, found)
		}
		seen[r.Path] = true
	}
	if len(seen) != len(Services)*5 || len(p.Routes()) != len(Services)*3 {
		t.Errorf("%d routes", len(seen))
	}
	for _, s := range Services {
		for _, f := range formats {
			if r, ok := p.Find(p.Path(s, f)); !ok || r.Service != s || r.Format != f {
				t.Errorf("Path(%s, %s) = %s", s, f, p.Path(s, f))
			}
		}
	}
	if got := p.Path(ServiceActivation, XML); got != "/pws/100037/183xx00010100000/" {
		t.Error(got)
	}
	if got := p.Roots(); len(got) != 2 || got["/cvr/"] != JSON || got["/pws/"] != XML {
		t.Errorf("roots %v", got)
	}
	p.Numbers[ServicePayment] = "300099"
	if DefaultPaths().Numbers[ServicePayment] != "100038" {
		t.Error("DefaultPaths is shared")
	}
	if r, ok := p.Find("/cvr/300099/10"); !ok || r.Service != ServicePayment {
		t.Errorf("configured number: %+v, %v", r, ok)
	}
}

func TestPathsCheck(t *testing.T) {
	t.Parallel()
	for words, change := range map[string]func(*Paths){
		"payment is":           func(p *Paths) { delete(p.Numbers, ServicePayment) },
		`unlink is "x1"`:       func(p *Paths) { p.Numbers[ServiceUnlink] = "x1" },
		"same number":          func(p *Paths) { p.Numbers[ServiceUnlink] = "100037" },
		`no service "refund"`:  func(p *Paths) { p.Numbers["refund"] = "300013" },
		"no path pattern":      func(p *Paths) { p.JSON = nil },
		"is there twice":       func(p *Paths) { p.JSON = p.XML },
		"must begin with /":    func(p *Paths) { p.XML = []string{"pws/{service}"} },
		"{service} in it once": func(p *Paths) { p.XML = []string{"/pws/100037"} },
		`"/{service}/10"`:      func(p *Paths) { p.JSON = []string{"/{service}/10"} },
		`"/cvr{service}"`:      func(p *Paths) { p.JSON = []string{"/cvr{service}"} },
		`"/{x}/{service}"`:     func(p *Paths) { p.JSON = []string{"/{x}/{service}"} },
		`"//a/{service}"`:      func(p *Paths) { p.JSON = []string{"//a/{service}"} },
	} {
		p := DefaultPaths()
		change(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
}

func TestSigned(t *testing.T) {
	t.Parallel()
	for _, s := range Services {
		want := "phone_no"
		if s == ServiceInquiry || s == ServiceCancel {
			want = "bill_no"
		}
		if s.Signed() != want {
			t.Errorf("%s signs %s", s, s.Signed())
		}
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range Codes {
		if len(c.Code) != 2 || !isDigits(c.Code) || c.Desc == "" || seen[c.Code] || CodeText(c.Code) != c.Desc {
			t.Errorf("%+v", c)
		}
		seen[c.Code] = true
	}
	for _, code := range strings.Fields("00 01 02 03 13 14 17 18 21 30 40 54 55 56 63 66 80 81 82 83 84 85 96") {
		if !seen[code] {
			t.Errorf("%s is not there", code)
		}
	}
	if len(Codes) != 23 || CodeText("87") != "" {
		t.Errorf("%d codes", len(Codes))
	}
	for status, want := range map[string]string{
		"0": "Unprocessed", "1": "In Process", "2": "Payment Success", "3": "Payment Failed", "4": "Payment Reversal",
		"5": "No bills found", "6": "Unknown", "7": "Payment Expired", "8": "Payment Cancelled", "9": "Unknown", "": "Unknown",
	} {
		if StatusText(status) != want {
			t.Errorf("%s is %s", status, StatusText(status))
		}
	}
}
