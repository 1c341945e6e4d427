package web

import (
	"net/http"
	"strings"
	"time"
)

// Stream is an answer of server-sent events.
type Stream struct {
	w          http.ResponseWriter
	connection *http.ResponseController
}

// OpenStream begins one. The limit on slow senders no longer holds for it.
func OpenStream(w http.ResponseWriter) (*Stream, error) {
	s := &Stream{w, http.NewResponseController(w)}
	if err := s.connection.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	Secure(w.Header())
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in between must not collect events
	return s, s.Ping()
}

// Send sends one event. The name may have no line break.
func (s *Stream) Send(name, data string) error {
	var text strings.Builder
	text.WriteString("event: " + name + "\n")
	for line := range strings.SplitSeq(data, "\n") {
		text.WriteString("data: " + line + "\n")
	}
	return s.write(text.String() + "\n")
}

// Ping lets a connection that has died be noticed.
func (s *Stream) Ping() error { return s.write(":\n\n") }

func (s *Stream) write(text string) error {
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.connection.Flush()
}
