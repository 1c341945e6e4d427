package sandbox_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gerbang-pay/gerbang/internal/sandbox"
)

const worldText = `
[[merchant]]
name = "Warung"
[merchant.doku]
client_id = "BRN-1"
secret_key = "SK-warung"
notification_url = "http://127.0.0.1:9/ovo"

[[wallet]]
phone = "0812 3333 4444"
`

// A fresh sandbox is as its seed file says, again after a reset, and its books balance.
func TestWorld(t *testing.T) {
	t.Parallel()
	world, err := sandbox.ParseWorld([]byte(strings.Replace(worldText, "0812 3333 4444", "081233334444", 1) + `
name = "Dewi"
pin = "012345"
cash = 50_000
points = 1_000
limits = {daily_count = 9}

[[binding]]
merchant = "Warung"
phone = "6281233334444"
customer = "dewi"

[[payment]]
merchant = "BRN-1"
phone = "081233334444"
channel = "snap_recurring"
reference = "INV-1"
amount = 20_000
use = "points_first"
refund = [5_000, 1_000]

[[payment]]
merchant = "BRN-1"
phone = "081233334444"
channel = "jokul_recurring"
reference = "INV-1" # its own in each protocol
amount = 1_000

[[payment]]
merchant = "Warung"
phone = "081233334444"
channel = "push"
reference = "PUSH-1"
amount = 3_000

[[payment]]
merchant = "BRN-1"
phone = "081233334444"
channel = "faspay"
reference = "BILL-1"
amount = 2_000

[[scenario]]
match = {operation = "push"}
outcome = {ovo_code = "61"}
`))
	if err != nil {
		t.Fatal(err)
	}
	b := open(t)
	b.sandbox.World = world
	b.api("POST", "/reset", "", 200)
	for range 2 {
		w := b.api("GET", "/wallets/081233334444", "", 200)
		// 20,000 = 1,000 points and 19,000; back came 1,000 points and 5,000.
		if w["name"] != "Dewi" || w["pin"] != "012345" || at(t, w, "cash") != number(50_000-19_000+5_000-1_000-3_000-2_000) || at(t, w, "points") != number(1_000) ||
			at(t, w, "limits", "daily_count") != number(9) || at(t, w, "links", 0, "state") != "active" || at(t, w, "links", 0, "customer_id") != "dewi" {
			t.Errorf("%v", w)
		}
		payments := at(t, b.api("GET", "/payments", "", 200), "payments").([]any)
		if len(payments) != 4 {
			t.Fatalf("%v", payments)
		}
		for _, p := range payments {
			if at(t, p, "state") != "succeeded" {
				t.Errorf("%v", p)
			}
		}
		if merchants := at(t, b.api("GET", "/merchants", "", 200), "merchants").([]any); len(merchants) != 2 {
			t.Errorf("%v", merchants)
		}
		if scenarios := at(t, b.api("GET", "/scenarios", "", 200), "scenarios").([]any); len(scenarios) != 1 {
			t.Errorf("%v", scenarios)
		}
		b.auditClean()
		b.api("POST", "/wallets/081233334444/topup", `{"cash":1}`, 200)
		b.api("POST", "/reset", "", 200)
	}
}

// A file that cannot be right is refused as a whole, with the reason and the place.
func TestWorldRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[[wallet]]\nphone = 081233334444":   "line 2",
		"[[wallet]]\nphon = \"0812\"":        `unknown field "phon"`,
		"[[walet]]\nphone = \"0812\"":        `unknown field "walet"`,
		"[[payment]]\namount = \"1000\"":     "amount",
		"[[payment]]\namount = 1000.5":       "amount",
		"[[merchant]]\n[merchant.doku]\na=1": `unknown field "a"`,
	} {
		if _, err := sandbox.ParseWorld([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	const payment = "[[payment]]\nmerchant=\"Toko Sandbox\"\nphone=\"081211111111\"\nreference=\"A\"\namount=1000\n"
	for text, want := range map[string]string{
		worldText: `wallet number 1: "0812 3333 4444" is no Indonesian mobile number`,
		"[[wallet]]\nphone=\"081299998888\"\npin=\"1\"":            "wallet number 1",
		"[[wallet]]\nphone=\"081299998888\"\ncash=-1":              "wallet number 1",
		"[[wallet]]\nphone=\"081211111111\"":                       "wallet number 1",
		"[[merchant]]\n[merchant.doku]\nnotification_url=\"x\"":    "merchant number 1",
		"[[binding]]\nmerchant=\"Nobody\"\nphone=\"081211111111\"": `binding number 1: no merchant has the name or provider's id "Nobody"`,
		"[[merchant]]\n[[binding]]\nphone=\"081211111111\"":        "there are 2 merchants",
		"[[binding]]\nphone=\"081299998888\"\ncustomer=\"c\"":      "binding number 1",
		payment:                                "channel is snap_recurring",
		payment + "channel=\"snap_recurring\"": "081211111111 is not bound to Toko Sandbox",
		payment + "channel=\"push\"\nrefund=[2000]":                         "refund 1",
		strings.Replace(payment, "\"A\"", "\"\"", 1) + "channel=\"push\"":   "no reference",
		strings.Replace(payment, "1000", "1000000", 1) + "channel=\"push\"": "payment number 1",
		"[[scenario]]\noutcome={ovo_code=\"999\"}":                          "scenario number 1",
	} {
		world, err := sandbox.ParseWorld([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		b := open(t)
		b.api("POST", "/reset", "", 200)
		b.sandbox.World = world
		if err := b.gateway.Erase(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.sandbox.Seed(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if merchants, err := b.gateway.Merchants(t.Context()); err != nil || len(merchants) > 0 {
			t.Errorf("%s left %d merchants, %v", text, len(merchants), err)
		}
	}
}

func number(n int) json.Number { return json.Number(fmt.Sprint(n)) }
