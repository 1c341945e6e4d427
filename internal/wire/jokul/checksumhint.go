package jokul

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/gerbang-pay/gerbang/internal/wire"
)

// The axes of a search for a check_sum. Those from the amount on are the parts of
// the joined text in the order of requests; the secret key follows them.
const (
	checkAlgorithm = iota
	checkSecret
	checkLayout
	checkAmount
	checkClient
	checkInvoice
	checkPhone
	checkPayment // of answers: the four values of ovo_payment
)

// ExplainCheckSum is the hint of [DiagnoseCheckSum] for a caller that has nothing
// but the call.
func ExplainCheckSum(secret string, f CheckSumFields, received string) string {
	return DiagnoseCheckSum(secret, f, received, wire.Clues{}).Hint
}

// DiagnoseCheckSum searches the mistake behind a check_sum that [VerifyCheckSum]
// refused, for [wire.Verdict.Explain]. Like [DiagnoseRequest] it is for the sandbox
// and for a merchant's own terminal only.
func DiagnoseCheckSum(secret string, f CheckSumFields, received string, clues wire.Clues) wire.Diagnosis {
	switch {
	case strings.TrimSpace(received) == "":
		return wire.Obvious("The check_sum is empty.")
	case secret == "":
		return wire.Obvious("The merchant has no secret key, so no check_sum can match.")
	}
	text := strings.Trim(received, " \t\r\n\"'")
	var written []string
	if text != received {
		written = append(written, "the check_sum has blanks, line breaks or quotes around it")
	}
	if rest, ok := strings.CutPrefix(text, signaturePrefix); ok {
		text = rest
		written = append(written, "the check_sum begins with "+signaturePrefix+", which belongs to the Signature header")
	}
	raw, err := hex.DecodeString(text)
	if err != nil || !hashSized(raw) {
		if raw, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "=")); err != nil || !hashSized(raw) {
			return wire.Obvious("The check_sum is not the hexadecimal of 32 bytes (64 characters).")
		}
		written = append(written, "the check_sum is written in base64, it must be hexadecimal")
	}
	forms := checkLayouts(f)
	search := checkSumSearch(secret, f, raw, forms, clues)
	found, ok := search.Run()
	d := wire.Conclude("check_sum", written, found, ok,
		"no usual mistake leads to this check_sum. It is the SHA-256 of the amount, the client id, the invoice number, the phone and the secret key, without anything between them; "+
			"if yours is made so, one of these values or the secret key differs.")
	if ok {
		d.Signed = checkSumText(found, f, forms)
	}
	return d
}

func checkSumSearch(secret string, f CheckSumFields, received []byte, forms []checkForm, clues wire.Clues) *wire.Search {
	payment := wire.Right("")
	payment.Add(wire.Omitted, "the check_sum lacks approval_code, batch_number, reference_number and trace_number")
	keys := secrets(secret)
	keys.AddOthers("the secret key", clues.Others)
	ids := checkClients(f.ClientID)
	ids.AddOtherIDs("the client id", clues.Others)
	var text []byte
	return &wire.Search{
		Axes: []wire.Variants{
			checkAlgorithm: checkAlgorithms(len(received)),
			checkSecret:    keys,
			checkLayout:    wire.Places(len(forms), func(i int) string { return forms[i].words }),
			checkAmount:    amounts(f.Amount),
			checkClient:    ids,
			checkInvoice:   invoices(f.InvoiceNumber),
			checkPhone:     phones(f.OVOID),
			checkPayment:   payment,
		},
		Match: func(c wire.Choice) bool {
			text = forms[c.Index(checkLayout)].append(text[:0], chosenFields(c, f))
			return bytes.Equal(keyed(c.Value(checkAlgorithm), c.Value(checkSecret), text), received)
		},
	}
}

func chosenFields(c wire.Choice, f CheckSumFields) CheckSumFields {
	f.Amount, f.ClientID, f.InvoiceNumber, f.OVOID = c.Value(checkAmount), c.Value(checkClient), c.Value(checkInvoice), c.Value(checkPhone)
	if c.Value(checkPayment) == wire.Omitted {
		f.ApprovalCode, f.BatchNumber, f.ReferenceNumber, f.TraceNumber = "", "", "", ""
	}
	return f
}

// checkSumText is the text of one choice, with a placeholder for the secret key
// where that stands.
func checkSumText(c wire.Choice, f CheckSumFields, forms []checkForm) string {
	text := string(forms[c.Index(checkLayout)].append(nil, chosenFields(c, f)))
	switch algorithm := c.Value(checkAlgorithm); {
	case strings.HasSuffix(algorithm, "-first"):
		return secretPlace + text
	case strings.HasSuffix(algorithm, "-last"):
		return text + secretPlace
	}
	return text
}

// checkAlgorithms lists the functions whose result has the received length; those
// that end in -last hash the secret key behind the text.
func checkAlgorithms(size int) wire.Variants {
	switch size {
	case 64:
		return wire.Variants{
			{Value: "sha512-last", Words: "the check_sum is SHA-512, it must be SHA-256"},
			{Value: "hmac-sha512", Words: "the check_sum is HMAC-SHA512, it must be a plain SHA-256 with the secret key at the end of the text"},
		}
	case 20:
		return wire.Variants{{Value: "sha1-last", Words: "the check_sum is SHA-1, it must be SHA-256"}}
	case 16:
		return wire.Variants{{Value: "md5-last", Words: "the check_sum is MD5, it must be SHA-256"}}
	}
	return wire.Variants{
		{Value: "sha256-last"},
		{Value: "hmac-sha256", Words: "the check_sum is HMAC-SHA256, it must be a plain SHA-256 with the secret key at the end of the text"},
		{Value: "sha256", Words: "the check_sum lacks the secret key"},
		{Value: "sha256-first", Words: "the check_sum has the secret key in front, it must be at the end"},
	}
}

// checkLayouts lists the right order first: each layout appends the joined values,
// without the secret key.
func checkLayouts(f CheckSumFields) []checkForm {
	right := checkForm{order: [4]int{0, 1, 2, 3}}
	list := []checkForm{right}
	for _, join := range []string{"+", " ", "|", ":", "-", ",", ";", "&", "\n", "#", "."} {
		form := right
		form.join, form.words = join, "the values in the check_sum are joined with "+quoteJoin(join)+", there must be nothing between them"
		list = append(list, form)
	}
	names := [4]string{"amount", "client id", "invoice number", "phone"}
	permute(4, func(order []int) {
		if slices.IsSorted(order) {
			return
		}
		form := right
		copy(form.order[:], order)
		var said [4]string
		for i, place := range order {
			said[i] = names[place]
		}
		form.words = "the values in the check_sum stand in another order, " + strings.Join(said[:], ", ") + "; it must be " + strings.Join(names[:], ", ")
		list = append(list, form)
	})
	if f.ApprovalCode+f.BatchNumber+f.ReferenceNumber+f.TraceNumber != "" {
		form := right
		form.tail, form.words = true, "the values of ovo_payment stand behind the phone; all values must be in the alphabetical order of their names"
		list = append(list, form)
	}
	return list
}

func quoteJoin(join string) string {
	if join == "\n" {
		return "line breaks"
	}
	return `"` + join + `"`
}

// checkForm is a way to join the values.
type checkForm struct {
	words string
	join  string // also stands in front of the secret key
	order [4]int // of amount, client id, invoice number and phone
	tail  bool   // the values of ovo_payment last
}

func (c checkForm) append(dst []byte, f CheckSumFields) []byte {
	groups := [4][]string{
		{f.Amount, f.ApprovalCode, f.BatchNumber},
		{f.ClientID},
		{f.InvoiceNumber},
		{f.OVOID, f.ReferenceNumber, f.TraceNumber},
	}
	if c.tail {
		groups[0] = groups[0][:1]
		groups[3] = []string{f.OVOID, f.ApprovalCode, f.BatchNumber, f.ReferenceNumber, f.TraceNumber}
	}
	for _, group := range c.order {
		for i, value := range groups[group] {
			if value == wire.Omitted || (i > 0 && value == "") {
				continue
			}
			dst = append(append(dst, value...), c.join...)
		}
	}
	return dst
}

func amounts(amount string) wire.Variants {
	const form = "the amount in the check_sum is written differently from order.amount"
	list := wire.Right(amount)
	for _, end := range []string{".0", ".00", ",00"} {
		list.Add(amount+end, form+", with decimals")
	}
	list.Add(strings.TrimLeft(amount, "0"), form+", without its leading zeros")
	list.Add(`"`+amount+`"`, form+", with quotes around it")
	for _, point := range []string{".", ","} {
		list.Add(grouped(amount, point), form+", with separators between thousands")
	}
	list.Add(amount+"00", form+", with two more digits")
	list.Add(wire.Omitted, "the check_sum lacks the amount")
	return list
}

// grouped puts point between groups of three digits.
func grouped(digits, point string) string {
	var out strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteString(point)
		}
		out.WriteRune(c)
	}
	return out.String()
}

func checkClients(id string) wire.Variants {
	list := wire.Right(id)
	list.AddPadded("the client id", id)
	list.Add(strings.TrimSpace(id), "the client id in the check_sum lacks its blanks")
	list.Add(strings.ToUpper(id), "the client id in the check_sum is in upper case")
	list.Add(strings.ToLower(id), "the client id in the check_sum is in lower case")
	list.Add(wire.Omitted, "the check_sum lacks the client id")
	return list
}

func invoices(invoice string) wire.Variants {
	list := wire.Right(invoice)
	list.AddPadded("the invoice number", invoice)
	list.Add(strings.ToUpper(invoice), "the invoice number in the check_sum is in upper case")
	list.Add(strings.ToLower(invoice), "the invoice number in the check_sum is in lower case")
	list.Add(strings.TrimSpace(invoice), "the invoice number in the check_sum lacks its blanks")
	list.Add(wire.Omitted, "the check_sum lacks the invoice number")
	return list
}

func phones(phone string) wire.Variants {
	const form = "the phone in the check_sum is spelled differently from ovo_info.ovo_id"
	list := wire.Right(phone)
	local := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(phone, "+"), "62"), "0")
	for _, start := range []string{"0", "62", "+62", ""} {
		list.Add(start+local, form)
	}
	list.Add(wire.Omitted, "the check_sum lacks the phone")
	return list
}
