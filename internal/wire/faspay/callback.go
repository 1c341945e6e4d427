package faspay

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Callback tells the merchant's server how an activation ended, in the query of a
// GET. It is not signed.
type Callback struct {
	Response     string
	Phone        string // the parameter is phone_number, not phone_no
	ResponseCode string // CodeSuccess or CodeFailed
	ResponseDesc string
	// MerchantID and Signature (over Phone) are not documented. They are left out
	// when empty.
	MerchantID string
	Signature  string
}

// URL returns target with the callback in its query.
func (c Callback) URL(target string) (string, error) {
	params := []param{
		{"response", c.Response},
		{"phone_number", c.Phone},
		{"response_code", c.ResponseCode},
		{"response_desc", c.ResponseDesc},
	}
	return withQuery(target, optional(params, param{"merchant_id", c.MerchantID}, param{"signature", c.Signature}))
}

// ParseCallback reads the query of a callback. It refuses a parameter that comes
// twice and a missing one of the three mandatory ones.
func ParseCallback(query string) (Callback, error) {
	var c Callback
	err := readQuery(query, []queryField{
		{"response", false, &c.Response},
		{"phone_number", true, &c.Phone},
		{"response_code", true, &c.ResponseCode},
		{"response_desc", true, &c.ResponseDesc},
		{"merchant_id", false, &c.MerchantID},
		{"signature", false, &c.Signature},
	})
	if err != nil {
		return Callback{}, err
	}
	return c, nil
}

type queryField struct {
	name      string
	mandatory bool
	to        *string
}

func readQuery(query string, fields []queryField) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("faspay: the query is malformed: %w", err)
	}
	for _, f := range fields {
		*f.to = values.Get(f.name)
		if len(values[f.name]) > 1 {
			return &FieldError{Field: f.name, Reason: "comes twice"}
		}
		if f.mandatory && *f.to == "" {
			return &FieldError{Field: f.name, Missing: true, Reason: "is missing or empty"}
		}
	}
	return nil
}

// Return is what the customer's browser brings to the merchant's page after a
// payment. A merchant must not change an order because of it.
type Return struct {
	TrxID        string
	MerchantID   string
	Merchant     string
	BillNo       string
	BillRef      string // sent under both spellings, bill_ref and bill_reff
	BillTotal    string // in the form of FormatAmount
	BankUserName string
	Status       string // a payment_status_code
	Signature    string // covers BillNo and Status
	// The other three are left out when empty.
	Request     string
	PaymentReff string
	PaymentDate string
}

// URL returns target with the result in its query.
func (r Return) URL(target string) (string, error) {
	params := []param{
		{"trx_id", r.TrxID},
		{"merchant_id", r.MerchantID},
		{"merchant", r.Merchant},
		{"bill_no", r.BillNo},
		{"bill_ref", r.BillRef},
		{"bill_reff", r.BillRef},
		{"bill_total", r.BillTotal},
		{"bank_user_name", r.BankUserName},
		{"status", r.Status},
		{"signature", r.Signature},
	}
	return withQuery(target, optional(params, param{"request", r.Request}, param{"payment_reff", r.PaymentReff}, param{"payment_date", r.PaymentDate}))
}

// ParseReturn reads the query of a [Return]. It refuses a parameter that comes twice
// and a missing one of those that say which payment stands how.
func ParseReturn(query string) (Return, error) {
	var r Return
	var other string // the second spelling of bill_ref
	err := readQuery(query, []queryField{
		{"trx_id", true, &r.TrxID},
		{"merchant_id", true, &r.MerchantID},
		{"merchant", false, &r.Merchant},
		{"bill_no", true, &r.BillNo},
		{"bill_reff", false, &other},
		{"bill_ref", false, &r.BillRef},
		{"bill_total", false, &r.BillTotal},
		{"bank_user_name", false, &r.BankUserName},
		{"status", true, &r.Status},
		{"signature", true, &r.Signature},
		{"request", false, &r.Request},
		{"payment_reff", false, &r.PaymentReff},
		{"payment_date", false, &r.PaymentDate},
	})
	if err != nil {
		return Return{}, err
	}
	if r.BillRef == "" {
		r.BillRef = other
	}
	return r, nil
}

type param struct{ name, value string }

func optional(params []param, more ...param) []param {
	for _, p := range more {
		if p.value != "" {
			params = append(params, p)
		}
	}
	return params
}

// withQuery puts params behind the query that target has, in their order. Parameters
// of the same names that target brings along give way, so that none comes twice.
func withQuery(target string, params []param) (string, error) {
	u, err := url.Parse(target)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return "", errors.New("faspay: the merchant's URL must be an http or https address with a host and without a user name")
	}
	ours := map[string]bool{}
	var pairs []string
	for _, p := range params {
		ours[p.name] = true
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); pair == "" || err == nil && ours[name] {
			continue
		}
		pairs = append(pairs, pair)
	}
	for _, p := range params {
		pairs = append(pairs, p.name+"="+url.QueryEscape(p.value))
	}
	u.RawQuery = strings.Join(pairs, "&")
	return u.String(), nil
}
