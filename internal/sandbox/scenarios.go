package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// Limits on scenarios.
const (
	maxScenarios = 1000
	maxDelay     = 10 * time.Minute
	maxTimes     = 1_000_000
)

// Scenarios decide the next outcomes of operations, on a test's word. They live in
// memory. Make one with NewScenarios before the gateway, give its Force to
// gateway.Config and itself to Config; New connects the two.
type Scenarios struct {
	mu      sync.Mutex
	next    int
	list    []*scenario // in order of creation
	gateway *gateway.Gateway
}

// NewScenarios makes a list without scenarios.
func NewScenarios() *Scenarios { return &Scenarios{} }

// scenario is one outcome that waits for operations to match.
type scenario struct {
	ID      string        `json:"id"`
	Match   scenarioMatch `json:"match"`
	Outcome scenarioWish  `json:"outcome"`
	Times   int           `json:"times"`
	Left    int           `json:"left"`
	decided gateway.Outcome
}

// scenarioMatch says which operations a scenario is for; "" matches any.
type scenarioMatch struct {
	Phone     string                `json:"phone,omitempty"`
	ClientID  string                `json:"client_id,omitempty"`
	Operation gateway.OperationName `json:"operation,omitempty"`
}

// scenarioWish is an outcome as a test asks for it.
type scenarioWish struct {
	OVOCode string `json:"ovo_code,omitempty"`
	Delay   string `json:"delay,omitempty"`
	Error   string `json:"error,omitempty"`
}

// decide translates the wish for the gateway.
func (w scenarioWish) decide() (o gateway.Outcome, err error) {
	if w == (scenarioWish{}) {
		return o, problem(http.StatusBadRequest, `outcome has an ovo_code such as "61", an error "unavailable", or a delay such as "3s"`)
	}
	if w.Delay != "" {
		if o.Delay, err = time.ParseDuration(w.Delay); err != nil || o.Delay < 0 || o.Delay > maxDelay {
			return o, problem(http.StatusBadRequest, `outcome.delay is a duration such as "3s", ten minutes at most`)
		}
	}
	switch {
	case w.Error != "" && w.OVOCode != "":
		return o, problem(http.StatusBadRequest, "outcome has an ovo_code or an error, not both")
	case w.Error == "unavailable":
		o.Code = gateway.Unavailable
	case w.Error != "":
		return o, problem(http.StatusBadRequest, `outcome.error is "unavailable"`)
	case w.OVOCode != "":
		known, ok := findOVO(w.OVOCode)
		if !ok {
			return o, problem(http.StatusBadRequest, fmt.Sprintf("outcome.ovo_code %q is none of OVO's response codes; GET /sandbox/v1/scenarios lists them", w.OVOCode))
		}
		o.Code = known.Code
	}
	return o, nil
}

// matches takes a merchant's names at its providers, which may be empty.
func (m scenarioMatch) matches(op gateway.Operation, names [2]string) bool {
	return (m.Phone == "" || m.Phone == string(op.Phone)) &&
		(m.ClientID == "" || slices.Contains(names[:], m.ClientID)) &&
		(m.Operation == "" || m.Operation == op.Name)
}

// Force is the outcome of an operation where a magic phone number or a scenario
// decides it. A magic number always has the last word on pushes and payments, and
// uses up no scenario.
func (s *Scenarios) Force(ctx context.Context, op gateway.Operation) (gateway.Outcome, bool) {
	g, needsClient := s.state()
	if g == nil {
		return gateway.Outcome{}, false
	}
	if o, magic := findMagic(op.Phone); magic {
		// Where that fails, the gateway says so itself: it finds no wallet, or no database.
		_ = openMagic(ctx, g, op.Phone)
		if op.Name == gateway.OpPush || op.Name == gateway.OpPayment {
			return gateway.Outcome{Code: o.Code}, o.Code != gateway.Internal
		}
	}
	var names [2]string
	if needsClient {
		m, err := g.Merchant(ctx, op.Merchant)
		if err == nil {
			names = [2]string{m.DOKU.ClientID, m.Faspay.MerchantID}
		}
	}
	return s.take(op, names)
}

// state is the gateway, once there is one, and whether a scenario asks for a
// merchant's client id, which costs a look into the database.
func (s *Scenarios) state() (g *gateway.Gateway, needsClient bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway, slices.ContainsFunc(s.list, func(sc *scenario) bool { return sc.Match.ClientID != "" })
}

// take uses up one turn of the oldest scenario that matches.
func (s *Scenarios) take(op gateway.Operation, names [2]string) (gateway.Outcome, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.list, func(sc *scenario) bool { return sc.Match.matches(op, names) })
	if i < 0 {
		return gateway.Outcome{}, false
	}
	sc := s.list[i]
	if sc.Left--; sc.Left == 0 {
		s.list = slices.Delete(s.list, i, i+1)
	}
	return sc.decided, true
}

func (s *Scenarios) attach(g *gateway.Gateway) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway = g
}

func (s *Scenarios) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
}

func (s *Scenarios) add(sc scenario) (scenario, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) >= maxScenarios {
		return sc, problem(http.StatusConflict, fmt.Sprintf("%d scenarios are waiting; delete some", maxScenarios))
	}
	s.next++
	sc.ID = fmt.Sprintf("scn_%06d", s.next)
	kept := sc
	s.list = append(s.list, &kept)
	return sc, nil
}

func (s *Scenarios) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.list)
	s.list = slices.DeleteFunc(s.list, func(sc *scenario) bool { return sc.ID == id })
	return len(s.list) < before
}

func (s *Scenarios) all() []scenario {
	s.mu.Lock()
	defer s.mu.Unlock()
	copies := make([]scenario, 0, len(s.list))
	for _, sc := range s.list {
		copies = append(copies, *sc)
	}
	return copies
}

func (s *Sandbox) listScenarios(*http.Request) (any, error) {
	return map[string]any{"scenarios": s.Scenarios.all(), "magic": magicViews(), "operations": gateway.Operations}, nil
}

func (s *Sandbox) createScenario(r *http.Request) (any, error) {
	in := struct {
		Match   scenarioMatch `json:"match"`
		Outcome scenarioWish  `json:"outcome"`
		Times   int           `json:"times"`
	}{Times: 1}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.Match.Phone != "" {
		phone, err := parsePhone(in.Match.Phone)
		if err != nil {
			return nil, err
		}
		in.Match.Phone = string(phone)
	}
	if in.Match.Operation != "" && !slices.Contains(gateway.Operations, in.Match.Operation) {
		return nil, problem(http.StatusBadRequest, fmt.Sprintf("match.operation is one of %v, or left out for any", gateway.Operations))
	}
	if in.Times < 1 || in.Times > maxTimes {
		return nil, problem(http.StatusBadRequest, fmt.Sprintf("times is how often the outcome happens, 1 to %d", maxTimes))
	}
	decided, err := in.Outcome.decide()
	if err != nil {
		return nil, err
	}
	sc, err := s.Scenarios.add(scenario{Match: in.Match, Outcome: in.Outcome, Times: in.Times, Left: in.Times, decided: decided})
	return created{sc}, err
}

func (s *Sandbox) deleteScenario(r *http.Request) (any, error) {
	if !s.Scenarios.remove(r.PathValue("id")) {
		return nil, problem(http.StatusNotFound, "no such scenario; it may be used up")
	}
	return map[string]any{"ok": true}, nil
}
