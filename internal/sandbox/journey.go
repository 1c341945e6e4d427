package sandbox

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// journey is the demo that people start from the welcome page. At most one runs.
type journey struct {
	mu      sync.Mutex
	running bool
	played  bool
	text    strings.Builder
	failure string
}

// journeyState is how a journey stands.
type journeyState struct {
	Running, Played bool
	Told, Failure   string
}

func (j *journey) now() journeyState {
	j.mu.Lock()
	defer j.mu.Unlock()
	return journeyState{j.running, j.played, j.text.String(), j.failure}
}

// Write adds to what the journey tells.
func (j *journey) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journey) begin() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running {
		return false
	}
	j.running, j.played, j.failure = true, true, ""
	j.text.Reset()
	return true
}

func (j *journey) end(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running = false
	if err != nil {
		j.failure = err.Error()
	}
}

// journeyLife bounds a journey.
const journeyLife = 2 * time.Minute

type journeyPart struct {
	livePart
	Text *texts
	journeyState
}

func (v *visit) journeyNow() journeyPart {
	state := v.journey.now()
	return journeyPart{livePart{"journey", "/sandbox/live/journey", v.versionOf(state)}, v.text, state}
}

func (v *visit) liveJourney() error {
	v.render(http.StatusOK, "journey-live", v.journeyNow())
	return nil
}

// startJourney plays the demo against this sandbox. It goes on when the visitor
// leaves, and ends when the server stops.
func (v *visit) startJourney() error {
	if v.Journey == nil {
		return v.nothing()
	}
	if v.journey.begin() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(v.r.Context()), journeyLife)
		go func() {
			defer cancel()
			v.journey.end(v.Journey(ctx, &v.journey))
		}()
		go func() {
			select {
			case <-v.Draining:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	v.again("/#journey", nil)
	return nil
}
