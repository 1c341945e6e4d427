package signed

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/money"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/jokul"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// Values fill an example in. Those that the call has no place for are ignored.
type Values struct {
	Phone         string       // as the protocol's users write it: 08… or 62…
	CustomerID    string       // the merchant's id of its customer
	CustomerToken string       // SNAP's B2B2C token, Jokul's token_id
	AuthCode      string       // of a finished SNAP binding
	Reference     string       // the merchant's number of the payment
	OriginalID    string       // Jokul: the Request-Id of the payment; Faspay: its trx_id
	Refund        string       // the merchant's number of the refund
	Amount        money.Amount // of the payment or refund
	ReturnURL     string       // where the browser goes after a page
	PaymentType   string       // SNAP: SALE or RECURRING
	Format        faspay.Format
	AmountScale   int // Faspay; 0 is rupiah

	Token     string    // SNAP's B2B token
	RequestID string    // X-EXTERNAL-ID or Request-Id; made up when empty
	At        time.Time // of the timestamp
	Body      []byte    // in place of the example's; a check_sum or signature in it is written over
	Target    string    // in place of the call's own path
}

// Signed is a call that is ready to be sent.
type Signed struct {
	Message
	Call         string
	StringToSign string
	Digest       string // of the body, where the string to sign has one
	Signature    string
}

// Sign makes the call that is named, one of [Calls].
func Sign(name string, keys Keys, v Values) (Signed, error) {
	call, ok := FindCall(name)
	if !ok {
		return Signed{}, fmt.Errorf("there is no call %q", name)
	}
	for _, need := range call.Needs {
		if need.missing(v) {
			return Signed{}, fmt.Errorf("%s needs %s", name, need.words)
		}
	}
	s := Signed{Call: name, Message: Message{Method: call.Method(), Target: v.Target, Header: http.Header{}, Body: v.Body}}
	if s.Target == "" {
		s.Target = call.path(v)
	}
	if s.Body == nil && !call.get {
		var err error
		if s.Body, err = call.body(keys, v); err != nil {
			return s, err
		}
	}
	switch call.Dialect {
	case SNAP:
		return s, s.snap(call, keys, v)
	case Jokul:
		return s, s.jokul(call, keys, v)
	}
	return s, s.faspay(keys, call)
}

func (s *Signed) snap(call Call, keys Keys, v Values) (err error) {
	timestamp := snap.FormatTime(v.At)
	s.Header.Set("Content-Type", "application/json")
	s.Header.Set(snap.HeaderTimestamp, timestamp)
	if call.asymmetric {
		if keys.PrivateKey == nil {
			return errors.New("a token call is signed with the merchant's private key, and there is none")
		}
		s.StringToSign = snap.AsymmetricString(keys.ClientID, timestamp)
		s.Signature, err = snap.SignAsymmetric(keys.PrivateKey, keys.ClientID, timestamp)
		s.Header.Set(snap.HeaderClientKey, keys.ClientID)
		s.Header.Set(snap.HeaderSignature, s.Signature)
		return err
	}
	id := v.RequestID
	if id == "" {
		id = digits(20)
	}
	s.Digest = snap.Digest(s.Body)
	s.StringToSign = snap.SymmetricString(s.Method, s.Target, v.Token, s.Digest, timestamp)
	s.Signature = snap.SignSymmetric(keys.SecretKey, s.Method, s.Target, v.Token, s.Body, timestamp)
	s.Header.Set(snap.HeaderPartnerID, keys.ClientID)
	s.Header.Set(snap.HeaderExternalID, id)
	s.Header.Set(snap.HeaderAuthorization, snap.TokenBearer+" "+v.Token)
	s.Header.Set(snap.HeaderSignature, s.Signature)
	if call.customer {
		s.Header.Set(snap.HeaderCustomer, snap.TokenBearer+" "+v.CustomerToken)
	}
	return nil
}

func (s *Signed) jokul(call Call, keys Keys, v Values) error {
	if call.checkSum {
		if err := s.checkSum(keys); err != nil {
			return err
		}
	}
	c := jokul.Call{Method: s.Method, Target: s.Target, ClientID: keys.ClientID, RequestID: v.RequestID, Timestamp: jokul.FormatTime(v.At)}
	if c.RequestID == "" {
		c.RequestID = strings.ToLower(rand.Text())
	}
	if !call.get {
		s.Header.Set("Content-Type", "application/json")
	}
	header := jokul.SignRequest(keys.SecretKey, c, s.Body)
	s.Header.Set(jokul.HeaderClientID, c.ClientID)
	s.Header.Set(jokul.HeaderRequestID, c.RequestID)
	s.Header.Set(jokul.HeaderRequestTimestamp, c.Timestamp)
	s.Header.Set(jokul.HeaderSignature, header)
	if call.checkSum {
		return nil
	}
	if !call.get {
		s.Digest = jokul.Digest(s.Body)
	}
	s.StringToSign, s.Signature = jokul.RequestString(c, s.Digest), header
	return nil
}

// checkSum puts the right check_sum into the body of a push payment.
func (s *Signed) checkSum(keys Keys) error {
	doc, err := wire.Parse(s.Body)
	if err != nil {
		return err
	}
	fields, _ := jokul.AnswerCheckSum(doc)
	verdict := jokul.VerifyCheckSum(keys.SecretKey, fields, "")
	s.StringToSign, s.Signature = verdict.StringToSign, verdict.Expected
	s.Body = with(nil, doc, "security.check_sum", s.Signature)
	return nil
}

// faspay puts the right signature into the body.
func (s *Signed) faspay(keys Keys, call Call) error {
	format := s.format()
	doc, err := faspay.Parse(format, s.Body)
	if err != nil {
		return err
	}
	verdict := faspay.Verify(keys.UserID, keys.Password, doc.Get(call.service.Signed()).Literal(), "")
	s.StringToSign, s.Digest, s.Signature = verdict.StringToSign, verdict.Digest, verdict.Expected
	s.Header.Set("Content-Type", format.ContentType())
	s.Body, err = faspay.Encode(format, json.RawMessage(with(nil, doc, "signature", s.Signature)))
	return err
}

// with appends the JSON of an object in which one member has the text, wherever it
// was or at the end.
func with(dst []byte, object wire.Value, path, text string) []byte {
	name, rest, deeper := strings.Cut(path, ".")
	put := func(dst []byte, old wire.Value) []byte {
		if deeper {
			return with(dst, old, rest, text)
		}
		return appendText(dst, text)
	}
	dst = append(dst, '{')
	done := false
	for i, m := range object.Members() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, m.Name), ':')
		if m.Name == name {
			dst, done = put(dst, m.Value), true
		} else {
			dst = m.Value.AppendCanonical(dst)
		}
	}
	if !done {
		if len(object.Members()) > 0 {
			dst = append(dst, ',')
		}
		dst = put(append(appendText(dst, name), ':'), wire.Value{})
	}
	return append(dst, '}')
}

func appendText(dst []byte, text string) []byte {
	encoded, err := wire.Encode(text)
	if err != nil {
		panic(err) // a string is always encoded
	}
	return append(dst, encoded...)
}

// digits are n random digits, the first of them not 0.
func digits(n int) string {
	low := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n-1)), nil)
	span := new(big.Int).Mul(low, big.NewInt(9))
	v, err := rand.Int(rand.Reader, span)
	if err != nil {
		panic(err) // crypto/rand documents that it never fails
	}
	return v.Add(v, low).String()
}
