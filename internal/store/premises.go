package store

import "github.com/gerbang-pay/gerbang/internal/gateway"

// premises are the wallets that an Update has read.
//
// Nearly every transaction decides on a wallet's state, its PIN tries, its limits or
// its spending of the day, which no guard of a single write covers. So a transaction
// commits only if the wallets it has read are still as they were: every write of a
// wallet counts its version up and names the one that was read, and those that were
// only read are looked at again at the end. A nil *premises notes nothing.
type premises struct{ wallets []premise }

type premise struct {
	id      gateway.WalletID
	version int64
	written bool
}

func (p *premises) find(id gateway.WalletID) *premise {
	if p == nil {
		return nil
	}
	for i := range p.wallets {
		if p.wallets[i].id == id {
			return &p.wallets[i]
		}
	}
	return nil
}

// read notes the version of a wallet. The first one counts: what was decided on it
// must hold.
func (p *premises) read(id gateway.WalletID, version int64) {
	if p != nil && p.find(id) == nil {
		p.wallets = append(p.wallets, premise{id: id, version: version})
	}
}

// version is what a write must find, or -1 when the wallet was not read.
func (p *premises) version(id gateway.WalletID) int64 {
	if w := p.find(id); w != nil {
		return w.version
	}
	return -1
}

// wrote notes a write that held.
func (p *premises) wrote(id gateway.WalletID) {
	if w := p.find(id); w != nil {
		w.version++
		w.written = true
	}
}

// confirm checks what no write has.
func (p *premises) confirm(q *session) error {
	for _, w := range p.wallets {
		if w.written {
			continue
		}
		if err := q.premise(`SELECT 1 FROM wallet WHERE id = $1 AND version = $2 FOR SHARE`, w.id, w.version); err != nil {
			return err
		}
	}
	return nil
}
