package jsonapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// created is an answer with status 201.
type created struct{ body any }

// Created makes an answer one with status 201.
func Created(body any) any { return created{body} }

const problemType = "application/problem+json"

// Problem is a refusal.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Code is the gateway's own word for the refusal, where it was the gateway's.
	Code string `json:"code,omitempty"`
}

func (p *Problem) Error() string { return p.Detail }

// Refuse makes a refusal.
func Refuse(status int, detail string) error {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// Answer is what a handler's answer or error is over HTTP.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
	Problem     *Problem // what Body says, when it is a refusal
}

// AnswerOf encodes what a handler returned. Errors that are the server's own are logged.
func AnswerOf(r *http.Request, log *slog.Logger, answer any, err error) Answer {
	a := Answer{Status: http.StatusOK, ContentType: "application/json"}
	if c, ok := answer.(created); ok {
		a.Status, answer = http.StatusCreated, c.body
	}
	if err != nil {
		p := ProblemOf(r, log, err)
		a.Status, a.ContentType, a.Problem, answer = p.Status, problemType, p, p
	}
	if a.Body, err = wire.Encode(answer); err != nil { // answers are plain structs
		panic(err)
	}
	return a
}

// Kept is an answer again, of which status and body were kept.
func Kept(status, body string) (a Answer, err error) {
	a = Answer{ContentType: "application/json", Body: []byte(body)}
	if a.Status, err = strconv.Atoi(status); err == nil && a.Status >= 400 {
		a.ContentType, a.Problem = problemType, &Problem{}
		err = json.Unmarshal(a.Body, a.Problem)
	}
	return a, err
}

// Write sends the answer. Nothing on its way may keep it.
func (a Answer) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.ContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(a.Status)
	w.Write(a.Body)
}

// statuses gives the HTTP status of refusals that are not the caller's 400.
var statuses = map[gateway.Code]int{
	gateway.Internal:          500,
	gateway.InsufficientFunds: 409,
	gateway.WalletLocked:      409,
	gateway.WalletBlocked:     409,
	gateway.CardBlocked:       409,
	gateway.NotFound:          404,
	gateway.WalletUnknown:     404,
	gateway.Duplicate:         409,
	gateway.WrongState:        409,
	gateway.HoldingExceeded:   409,
	gateway.CountExceeded:     409,
	gateway.OTPWrong:          409,
	gateway.OTPExpired:        409,
	gateway.PINWrong:          409,
	gateway.Expired:           409,
	gateway.RequestReused:     409,
	gateway.TooManyAsks:       429,
	gateway.Busy:              429,
	gateway.Unavailable:       503,
}

// ProblemOf is an error as the caller is told of it.
func ProblemOf(r *http.Request, log *slog.Logger, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var refusal *gateway.Error
	if errors.As(err, &refusal) {
		status, ok := statuses[refusal.Code]
		if !ok {
			status = http.StatusBadRequest
		}
		if refusal.Code != gateway.Internal {
			detail := refusal.Code.Error()
			if refusal.Detail != "" {
				detail += ": " + refusal.Detail
			}
			if status >= 500 {
				log.ErrorContext(r.Context(), "call failed", "method", r.Method, "path", r.URL.Path, "error", err)
			}
			return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, Code: refusal.Code.String()}
		}
	}
	log.ErrorContext(r.Context(), "call failed", "method", r.Method, "path", r.URL.Path, "error", err)
	return &Problem{Title: "Internal Server Error", Status: 500, Detail: "something went wrong here; the server's log says what"}
}

// Decode reads a JSON body. Unknown members are refused: in an API of our own they
// are slips of the pen.
func Decode(body io.Reader, into any) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return Refuse(http.StatusRequestEntityTooLarge, "a body may have at most 65536 bytes")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return Refuse(http.StatusBadRequest, "the body is not what this call takes: "+err.Error())
	}
	if _, err := d.Token(); err != io.EOF {
		return Refuse(http.StatusBadRequest, "there is something behind the JSON object")
	}
	return nil
}
