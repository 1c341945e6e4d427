package app

import (
	"context"
	"net"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// seams are where the tests put faults and a network of their own between Gerbang
// and the machine. The zero value is the machine. Only a test can set them.
type seams struct {
	store  func(gateway.Store) gateway.Store
	listen func(network, address string) (net.Listener, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	clock  gateway.Clock
}

// machine is the machine's clock.
func (s seams) machine() gateway.Clock {
	if s.clock == nil {
		return gateway.SystemClock{}
	}
	return s.clock
}

func (s seams) wrap(db gateway.Store) gateway.Store {
	if s.store == nil {
		return db
	}
	return s.store(db)
}

func (s seams) listener(address string) (net.Listener, error) {
	if s.listen == nil {
		return net.Listen("tcp", address)
	}
	return s.listen("tcp", address)
}
