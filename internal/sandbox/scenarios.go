package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/money"
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
	ID string `json:"id"`
	scenarioForm
	Left    int `json:"left"`
	Seen    int `json:"seen"` // operations that matched
	decided gateway.Outcome
}

// scenarioForm is a scenario as it is asked for. Of the operations that match it, the
// first Skip go by, and then every Every-th has the outcome, Times in all.
type scenarioForm struct {
	Match   scenarioMatch `json:"match"`
	Outcome scenarioWish  `json:"outcome"`
	Times   int           `json:"times"`
	Skip    int           `json:"skip,omitempty"`
	Every   int           `json:"every,omitempty"`
}

// scenarioMatch says which operations a scenario is for; what is empty matches any.
type scenarioMatch struct {
	Phone     string                `json:"phone,omitempty"`
	ClientID  string                `json:"client_id,omitempty"`
	Operation gateway.OperationName `json:"operation,omitempty"`
	Reference string                `json:"reference,omitempty"` // the merchant's number; a star at its end stands for any rest
	Amount    money.Amount          `json:"amount,omitempty"`
	Event     gateway.EventKind     `json:"event,omitempty"` // of notifications
}

// opNotification is the delivery of a notification, which is no call of a merchant.
const opNotification gateway.OperationName = "notification"

// scenarioOperations are those that a scenario can be for.
var scenarioOperations = append(slices.Clone(gateway.Operations), opNotification)

// scenarioWish is an outcome as a test asks for it.
type scenarioWish struct {
	OVOCode      string            `json:"ovo_code,omitempty"`
	Delay        string            `json:"delay,omitempty"`
	Error        string            `json:"error,omitempty"`
	Answer       string            `json:"answer,omitempty"` // answerLost
	Notification notificationFault `json:"notification,omitempty"`
}

// answerLost lets the operation happen and its answer not arrive: the connection breaks.
const answerLost = "lost"

// notificationFault is what goes wrong with the delivery of a notification.
type notificationFault string

const (
	notificationLost       notificationFault = "lost"       // the attempt reaches nobody; it has failed, and the next is made on schedule
	notificationDuplicated notificationFault = "duplicated" // it is sent twice
	notificationReordered  notificationFault = "reordered"  // another one of the merchant goes first
)

// decide translates the wish for the gateway.
func (w scenarioWish) decide() (o gateway.Outcome, err error) {
	if w == (scenarioWish{}) {
		return o, problem(http.StatusBadRequest, `outcome has an ovo_code such as "61", an error "unavailable", a delay such as "3s", an answer "lost", or what happens to a notification`)
	}
	if w.Delay != "" {
		if o.Delay, err = time.ParseDuration(w.Delay); err != nil || o.Delay < 0 || o.Delay > maxDelay {
			return o, problem(http.StatusBadRequest, `outcome.delay is a duration such as "3s", ten minutes at most`)
		}
	}
	switch {
	case w.Answer != "" && w.Answer != answerLost:
		return o, problem(http.StatusBadRequest, `outcome.answer is "lost"`)
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

// check refuses a form that could never do what it says.
func (f *scenarioForm) check() error {
	if f.Match.Phone != "" {
		phone, err := parsePhone(f.Match.Phone)
		if err != nil {
			return err
		}
		f.Match.Phone = string(phone)
	}
	if f.Times == 0 {
		f.Times = 1
	}
	about := f.Match.Operation == opNotification
	switch {
	case f.Match.Operation != "" && !slices.Contains(scenarioOperations, f.Match.Operation):
		return problem(http.StatusBadRequest, fmt.Sprintf("match.operation is one of %v, or left out for any call", scenarioOperations))
	case f.Times < 1 || f.Times > maxTimes:
		return problem(http.StatusBadRequest, fmt.Sprintf("times is how often the outcome happens, 1 to %d", maxTimes))
	case f.Skip < 0 || f.Every < 0 || f.Skip > maxTimes || f.Every > maxTimes:
		return problem(http.StatusBadRequest, fmt.Sprintf("skip and every are 0 to %d", maxTimes))
	case about != (f.Outcome.Notification != ""):
		return problem(http.StatusBadRequest, `outcome.notification goes with the operation "notification", and with no other`)
	case about && f.Outcome != scenarioWish{Notification: f.Outcome.Notification}:
		return problem(http.StatusBadRequest, "outcome.notification stands alone")
	case about && !slices.Contains([]notificationFault{notificationLost, notificationDuplicated, notificationReordered}, f.Outcome.Notification):
		return problem(http.StatusBadRequest, `outcome.notification is "lost", "duplicated" or "reordered"`)
	case f.Match.Event != "" && !about:
		return problem(http.StatusBadRequest, `match.event goes with the operation "notification"`)
	}
	return nil
}

// occasion is something that a scenario may be for.
type occasion struct {
	gateway.Operation
	names [2]string // of the merchant at its providers, which may be empty
	event gateway.EventKind
}

func (m scenarioMatch) matches(o occasion) bool {
	reference := m.Reference == "" || m.Reference == o.Reference
	if prefix, open := strings.CutSuffix(m.Reference, "*"); open {
		reference = strings.HasPrefix(o.Reference, prefix)
	}
	return reference &&
		(m.Phone == "" || m.Phone == string(o.Phone)) &&
		(m.ClientID == "" || slices.Contains(o.names[:], m.ClientID)) &&
		(m.Amount == 0 || m.Amount == o.Amount) &&
		(m.Event == "" || m.Event == o.event) &&
		(m.Operation == o.Name || m.Operation == "" && o.Name != opNotification)
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
	sc, ok := s.take(occasion{Operation: op, names: names})
	if ok && sc.Outcome.Answer == answerLost {
		loseAnswer(ctx)
	}
	return sc.decided, ok
}

// notificationFault is what a scenario wants to go wrong with an attempt, "" for
// nothing, and the scenario's id.
func (s *Scenarios) notificationFault(ctx context.Context, o gateway.Outgoing) (fault notificationFault, id string) {
	g, _ := s.state()
	if g == nil || !slices.ContainsFunc(s.all(), func(sc scenario) bool { return sc.Match.Operation == opNotification }) {
		return "", ""
	}
	op := gateway.Operation{
		Name: opNotification, Merchant: o.Merchant.ID, Phone: o.Binding.Phone, Reference: o.Payment.Reference, Amount: o.Payment.Amount,
	}
	if o.Payment.Order != "" {
		op.Reference = o.Payment.Order
	}
	if o.Payment.Channel == gateway.PushToPay {
		if push, err := g.Push(ctx, o.Payment.ID); err == nil {
			op.Phone = push.Wallet.Phone
		}
	}
	sc, _ := s.take(occasion{op, [2]string{o.Merchant.DOKU.ClientID, o.Merchant.Faspay.MerchantID}, o.Event.Kind})
	return sc.Outcome.Notification, sc.ID
}

// state is the gateway, once there is one, and whether a scenario asks for a
// merchant's client id, which costs a look into the database.
func (s *Scenarios) state() (g *gateway.Gateway, needsClient bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway, slices.ContainsFunc(s.list, func(sc *scenario) bool { return sc.Match.ClientID != "" })
}

// take uses up one turn of the oldest scenario whose turn it is.
func (s *Scenarios) take(o occasion) (scenario, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, sc := range s.list {
		if !sc.Match.matches(o) {
			continue
		}
		sc.Seen++
		if after := sc.Seen - sc.Skip; after < 1 || sc.Every > 1 && after%sc.Every != 0 {
			continue
		}
		taken := *sc
		if sc.Left--; sc.Left == 0 {
			s.list = slices.Delete(s.list, i, i+1)
		}
		return taken, true
	}
	return scenario{}, false
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
	return map[string]any{"scenarios": s.Scenarios.all(), "magic": magicViews(), "operations": scenarioOperations}, nil
}

func (s *Sandbox) createScenario(r *http.Request) (any, error) {
	in := scenarioForm{Times: 1}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.Times == 0 {
		in.Times = -1 // said, not left out
	}
	sc, err := s.addScenario(in)
	return created(sc), err
}

func (s *Sandbox) addScenario(in scenarioForm) (scenario, error) {
	if err := in.check(); err != nil {
		return scenario{}, err
	}
	decided, err := in.Outcome.decide()
	if err != nil {
		return scenario{}, err
	}
	return s.Scenarios.add(scenario{scenarioForm: in, Left: in.Times, decided: decided})
}

func (s *Sandbox) deleteScenario(r *http.Request) (any, error) {
	if !s.Scenarios.remove(r.PathValue("id")) {
		return nil, problem(http.StatusNotFound, "no such scenario; it may be used up")
	}
	return map[string]any{"ok": true}, nil
}
