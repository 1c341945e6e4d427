package gateway

import "strings"

// Processes over one database signal to each other what has changed of the things
// that they keep in memory. A signal may be lost. It only makes known at once what
// is found out by looking anyway: waits look twice a second (WakeWaits), and no
// merchant is remembered for longer than merchantAge.
const (
	signalPush      = "push " // and the payment's id
	signalMerchants = "merchants"
)

// Heard takes a signal of any process, this one included.
func (g *Gateway) Heard(signal string) {
	if id, ok := strings.CutPrefix(signal, signalPush); ok {
		g.waits.wake(PaymentID(id))
	}
	if signal == signalMerchants {
		g.merchants.forget()
	}
}

// wakePush wakes who waits for a push, here and elsewhere.
func (g *Gateway) wakePush(id PaymentID) {
	g.waits.wake(id)
	g.signal(signalPush + string(id))
}

// forgetMerchants makes every process read merchants anew.
func (g *Gateway) forgetMerchants() {
	g.merchants.forget()
	g.signal(signalMerchants)
}
