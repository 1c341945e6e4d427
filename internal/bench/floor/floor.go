package floor

import (
	"context"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// What a caller needs to know.
const (
	Path      = "/pay"
	Signature = "X-Signature" // base64 of Sign
	Secret    = "0123456789abcdef0123456789abcdef"
	Wallets   = 1000
)

// Request is the body of a call.
type Request struct {
	Merchant int64  `json:"merchant"`
	Order    string `json:"order"` // unique for the merchant
	Wallet   int64  `json:"wallet"`
	Amount   int64  `json:"amount"`
	Note     string `json:"note"`
}

// Answer is the body of an answer.
type Answer struct {
	Payment int64  `json:"payment"`
	Status  string `json:"status"`
}

// Paid is the status of an answer to a payment that was made.
const Paid = "PAID"

// Sign is the signature of a body.
func Sign(body []byte) string {
	mac := hmac.New(sha512.New, []byte(Secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// waiting is a call whose payment is not durable yet.
type waiting struct {
	Request
	id   int64
	at   int64 // microseconds since 1970
	err  error
	done chan struct{}
}

// maxBatch bounds how many payments share a commit.
const maxBatch = 256

var errRefused = errors.New("floor: the order was paid before, or the wallet holds too little")

// Serve makes its tables in a database, the path of a new file or a URL postgres://…,
// and answers calls until ctx ends. It calls ready with its address once it can be
// called.
func Serve(ctx context.Context, database string, ready func(baseURL string) error) error {
	start := startSQLite
	if strings.HasPrefix(database, "postgres") {
		start = startPostgres
	}
	calls := make(chan *waiting, 4*maxBatch)
	stop, err := start(ctx, database, calls)
	if err != nil {
		return err
	}
	defer stop()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(rw http.ResponseWriter, r *http.Request) { pay(calls, rw, r) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := ready("http://" + listener.Addr().String()); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

func pay(calls chan<- *waiting, rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 64<<10))
	if err != nil {
		http.Error(rw, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if !hmac.Equal([]byte(Sign(body)), []byte(r.Header.Get(Signature))) {
		http.Error(rw, "the signature does not match", http.StatusUnauthorized)
		return
	}
	c := &waiting{at: time.Now().UnixMicro(), done: make(chan struct{})}
	if err := json.Unmarshal(body, &c.Request); err != nil || c.Order == "" || c.Amount < 1 {
		http.Error(rw, "the body is no payment", http.StatusBadRequest)
		return
	}
	calls <- c
	<-c.done
	if c.err != nil {
		http.Error(rw, c.err.Error(), http.StatusConflict)
		return
	}
	answer, err := json.Marshal(Answer{c.id, Paid})
	if err != nil {
		panic(err) // a plain struct
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set(Signature, Sign(answer))
	rw.Write(answer)
}

// notice is what the outbox holds for a payment.
func (c *waiting) notice() string { return `{"type":"payment.succeeded","order":"` + c.Order + `"}` }

// finish answers a batch.
func finish(batch []*waiting, err error) {
	for _, c := range batch {
		c.err = err
		close(c.done)
	}
}
