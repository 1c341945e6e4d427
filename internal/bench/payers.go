package bench

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/wire"
)

// payers makes the clients of a load, whose connections take turns with the servers.
func (w *World) payers(ctx context.Context, servers []string, l Load) ([]payer, error) {
	s := &scene{World: w, spread: l.Pattern == "spread", run: strconv.FormatInt(now().UnixMilli(), 36)}
	for _, base := range servers {
		u, err := url.Parse(base)
		if err != nil {
			return nil, err
		}
		s.hosts = append(s.hosts, u.Host)
	}
	if !s.spread && l.Pattern != "hot" {
		return nil, fmt.Errorf("%q is no pattern", l.Pattern)
	}
	make, ok := map[string]func(*scene, context.Context, int) ([]payer, error){
		"snap": (*scene).snapPayers, "jokul": (*scene).jokulPayers, "push": (*scene).pushPayers, "faspay": (*scene).faspayPayers, Floor: (*scene).floorPayers,
	}[l.Dialect]
	if !ok {
		return nil, fmt.Errorf("%q is no dialect", l.Dialect)
	}
	return make(s, ctx, l.Clients)
}

// scene is a World under one load.
type scene struct {
	*World
	hosts     []string // of the servers
	connected atomic.Int64
	spread    bool
	run       string       // tells references of one load from those of another
	count     atomic.Int64 // payments begun, by all clients
}

// newConn is a connection to the server whose turn it is.
func (s *scene) newConn() *conn {
	return &conn{host: s.hosts[int(s.connected.Add(1))%len(s.hosts)]}
}

// order is who pays what to whom.
type order struct {
	number    int64
	reference string // unique in the store
	holder    int
	merchant  gateway.Merchant
	binding   gateway.Binding
}

// next makes a new order. Clients take turns with the wallets, so that a wallet is
// seldom charged twice at the same time.
func (s *scene) next() order {
	n := s.count.Add(1)
	o := order{number: n, reference: s.run + "-" + strconv.FormatInt(n, 10), holder: int(n) % len(s.holders)}
	h := s.holders[o.holder]
	o.binding = h.hot
	if s.spread {
		o.binding = h.spread
	}
	o.merchant = s.merchants[s.merchantOf(o.holder)]
	return o
}

// merchantOf is the merchant that a holder pays.
func (s *scene) merchantOf(holder int) int {
	if s.spread {
		return 1 + holder%worldMerchants
	}
	return 0
}

// amount of an order, in rupiah.
func (o order) amount() int64 { return 1_000 + o.number%9_000 }

// each runs make for every number below n, a few at once, each with a connection.
func (s *scene) each(ctx context.Context, n int, make func(c *conn, i int) error) error {
	const atOnce = 8
	var group sync.WaitGroup
	var taken atomic.Int64
	failures := [atOnce]error{}
	for worker := range atOnce {
		group.Go(func() {
			c := s.newConn()
			defer c.close()
			for i := int(taken.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(taken.Add(1)) - 1 {
				if err := make(c, i); err != nil {
					failures[worker] = err
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// encode makes the body of a call.
func encode(v any) []byte {
	body, err := wire.Encode(v)
	if err != nil {
		panic(err) // requests are plain structs
	}
	return body
}

// text reads a member of an answer.
func text(answer []byte, path string) string {
	doc, err := wire.Parse(answer)
	if err != nil {
		return ""
	}
	return doc.Get(path).Literal()
}

// transport is what a call without an answer is counted under.
func transport(err error) string { return "no answer: " + err.Error() }

// unexpected is what an answer is counted under that is no success.
func unexpected(status int, code string) string {
	if code == "" {
		return fmt.Sprint("HTTP ", status)
	}
	return code
}
