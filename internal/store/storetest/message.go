package storetest

import (
	"testing"
	"time"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// messaged checks that a subject has one message, that one claim of it at a time may
// write, and that nothing of it stays behind.
func messaged(t *testing.T, b Bundle) {
	put := func(id gateway.MessageID, code string) {
		b.update(t, func(tx gateway.Tx) error {
			return tx.PutMessage(gateway.Message{
				ID: id, Kind: gateway.MessageCode, Subject: "pag_1", Code: code, CreatedAt: tx.Now(), ExpiresAt: tx.Now().Add(time.Minute),
			})
		})
	}
	claim := func(want int) (list []gateway.Message) {
		t.Helper()
		b.update(t, func(tx gateway.Tx) (err error) {
			list, err = tx.ClaimMessages(tx.Now().Add(10*time.Second), 10)
			return err
		})
		if len(list) != want {
			t.Fatalf("%d claimed, want %d", len(list), want)
		}
		return list
	}
	next := func() (at time.Time, err error) {
		b.view(t, func(tx gateway.Tx) error {
			at, err = tx.NextMessage()
			return nil
		})
		return at, err
	}
	put("msg_1", "111111")
	put("msg_2", "222222")
	first := claim(1)[0]
	if first.ID != "msg_2" || first.Code != "222222" || first.Attempts != 1 || first.ExpiresAt.Sub(first.CreatedAt) != time.Minute {
		t.Errorf("claimed %+v", first)
	}
	claim(0)
	b.Clock.Advance(11 * time.Second)
	second := claim(1)[0]
	if second.Attempts != 2 || second.Fence <= first.Fence {
		t.Errorf("claimed again %+v", second)
	}
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		if deleted, err := tx.DeleteMessage(first.ID, first.Fence); deleted || err != nil {
			wrong("an old claim deleted: %t, %v", deleted, err)
		}
		if moved, err := tx.PostponeMessage(first.ID, first.Fence, tx.Now()); moved || err != nil {
			wrong("an old claim postponed: %t, %v", moved, err)
		}
		moved, err := tx.PostponeMessage(second.ID, second.Fence, tx.Now().Add(time.Hour))
		if !moved {
			wrong("not postponed")
		}
		return err
	})
	if at, err := next(); err != nil || at.Sub(b.Clock.Now()) < 59*time.Minute {
		t.Errorf("next is %v, %v", at, err)
	}
	put("msg_3", "333333") // takes the place, and is due
	third := claim(1)[0]
	b.judge(t, func(tx gateway.Tx, wrong func(string, ...any)) error {
		if deleted, err := tx.DeleteMessage(second.ID, second.Fence); deleted || err != nil {
			wrong("a message of before deleted: %t, %v", deleted, err)
		}
		deleted, err := tx.DeleteMessage(third.ID, third.Fence)
		if !deleted {
			wrong("not deleted")
		}
		return err
	})
	if at, err := next(); err != gateway.ErrNoRow {
		t.Errorf("there is still one at %v, %v", at, err)
	}
}
