package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gerbang-pay/gerbang/internal/control"
	"github.com/gerbang-pay/gerbang/internal/sandbox"
	"github.com/gerbang-pay/gerbang/internal/signed"
	"github.com/gerbang-pay/gerbang/internal/wire"
	"github.com/gerbang-pay/gerbang/internal/wire/faspay"
	"github.com/gerbang-pay/gerbang/internal/wire/snap"
)

// reply is the answer to a notification.
type reply struct {
	Status      int
	ContentType string
	Body        []byte
}

// listener is a server in this process that gets a merchant's notifications in place
// of the merchant. The sandbox sends them here for as long as the listener keeps
// its call to the sandbox open; when it ends, however it does, everything is as before.
type listener struct {
	server *http.Server
	stop   context.CancelFunc
	gone   chan struct{} // closed when the sandbox has ended it
}

// listenAt says whose notifications to get, and under which paths.
type listenAt struct {
	Merchant  string `json:"merchant"`
	URL       string `json:"url"`
	Path      string `json:"path"`
	TokenPath string `json:"token_path"`
}

// ownTokenPath is where the sandbox asks for the merchant's token when the merchant
// has no address for that: then the listener gives one.
const ownTokenPath = "/gerbang/token"

// openListener starts a listener whose handler answers notifications. addr is the
// address to listen on, one that the sandbox can reach.
func openListener(ctx context.Context, client *control.Client, addr string, at listenAt, handle func(context.Context, signed.Message) reply) (*listener, error) {
	socket, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	l := &listener{stop: stop, gone: make(chan struct{})}
	l.server = &http.Server{ReadHeaderTimeout: sendTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBody))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m := signed.Message{Method: r.Method, Target: r.RequestURI, Header: r.Header, Body: body}
		a := reply{}
		if r.URL.Path == ownTokenPath {
			a = ownToken()
		} else {
			a = handle(r.Context(), m)
		}
		if a.ContentType != "" {
			w.Header().Set("Content-Type", a.ContentType)
		}
		w.WriteHeader(a.Status)
		w.Write(a.Body)
	})}
	go l.server.Serve(socket)
	at.URL = "http://" + socket.Addr().String()
	stream, err := register(ctx, client, at)
	if err != nil {
		l.close()
		return nil, err
	}
	lines := bufio.NewScanner(stream)
	if !lines.Scan() || lines.Text() != "event: listening" {
		stream.Close()
		l.close()
		return nil, &control.Unreachable{Base: client.Base, Err: fmt.Errorf("it said %q in place of \"event: listening\"", lines.Text())}
	}
	go func() {
		defer close(l.gone)
		defer stream.Close()
		for lines.Scan() { // nothing but signs of life
		}
	}()
	return l, nil
}

// register asks the sandbox for the notifications. It may not have noticed yet that
// an earlier listener has ended, and is given a second for that.
func register(ctx context.Context, client *control.Client, at listenAt) (io.ReadCloser, error) {
	for tries := 5; ; tries-- {
		stream, err := client.Stream(ctx, http.MethodPost, "/listeners", at)
		var refusal *sandbox.Problem
		if !errors.As(err, &refusal) || refusal.Status != http.StatusConflict || tries == 0 {
			return stream, err
		}
		pause(ctx, pollInterval)
	}
}

// close ends the listener, once what it is answering is answered.
func (l *listener) close() error {
	l.stop()
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	return l.server.Shutdown(ctx)
}

// ownToken gives a token in the merchant's place.
func ownToken() reply {
	body, err := wire.Encode(snap.TokenB2BAnswer{
		ResponseCode: "2007300", ResponseMessage: "Successful", AccessToken: strings.ToLower(rand.Text()), TokenType: snap.TokenBearer, ExpiresIn: 900,
	})
	if err != nil {
		panic(err) // a plain struct
	}
	return reply{http.StatusOK, "application/json", body}
}

// acknowledge takes a notification in the merchant's place.
func acknowledge(m signed.Message) reply {
	ack := reply{Status: http.StatusOK}
	format := m.Format()
	doc, err := faspay.Parse(format, m.Body)
	if err != nil || doc.Get("payment_status_code").Absent() {
		return ack // no other protocol looks at the body
	}
	ack.ContentType = format.ContentType()
	ack.Body, err = faspay.Encode(format, faspay.NotificationAck{
		Response: faspay.NotificationText, TrxID: doc.Get("trx_id").Literal(), MerchantID: doc.Get("merchant_id").Literal(), BillNo: doc.Get("bill_no").Literal(),
		ResponseCode: faspay.CodeSuccess, ResponseDesc: faspay.CodeText(faspay.CodeSuccess), ResponseDate: faspay.FormatTime(now()),
	})
	if err != nil { // what was parsed can be printed
		panic(err)
	}
	return ack
}

// receiver is a merchant's server that notifications are passed on to.
type receiver struct {
	base   string // scheme, host and port
	path   string // of all notifications; "" keeps that of the merchant's own address
	client *http.Client
}

func newReceiver(address string) (*receiver, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	req, err := http.NewRequest(http.MethodPost, address, nil)
	if err != nil || req.URL.Host == "" || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, usagef("%q is no address; it looks like http://127.0.0.1:3000/ovo/notify", address)
	}
	r := &receiver{base: req.URL.Scheme + "://" + req.URL.Host}
	if req.URL.Path != "" {
		r.path = req.URL.RequestURI()
	}
	r.client = &http.Client{Timeout: sendTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return r, nil
}

// delivery is what the merchant's server made of a message.
type delivery struct {
	reply
	Location string // of a redirect
	Took     time.Duration
}

// deliver sends a message as it is, all but the headers that are of one connection.
func (r *receiver) deliver(ctx context.Context, m signed.Message) (d delivery, err error) {
	req, err := http.NewRequestWithContext(ctx, m.Method, r.base+m.Target, bytes.NewReader(m.Body))
	if err != nil {
		return d, err
	}
	req.Header = m.Header.Clone()
	for _, name := range []string{"Connection", "Content-Length", "Accept-Encoding", "Keep-Alive", "Transfer-Encoding"} {
		req.Header.Del(name)
	}
	began := now()
	resp, err := r.client.Do(req)
	if err != nil {
		if sending := (*url.Error)(nil); errors.As(err, &sending) {
			err = sending.Err // the rest of it repeats the address
		}
		return d, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	d = delivery{reply{resp.StatusCode, resp.Header.Get("Content-Type"), body}, resp.Header.Get("Location"), now().Sub(began)}
	return d, err
}

// notifiedKeys are the keys with which a merchant checks what it is told.
func notifiedKeys(m sandbox.Merchant) (signed.Keys, error) {
	keys, err := keysOf(m)
	if err != nil {
		return keys, err
	}
	keys.PublicKey, err = snap.ParsePublicKey(deref(m.DOKU.GatewayPublicKeyPEM))
	return keys, err
}
