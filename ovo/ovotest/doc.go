// Package ovotest runs a Gerbang sandbox inside a Go test: the real gateway on a
// database of its own, behind real HTTP on loopback, with a clock that the test
// moves.
//
//	func TestCheckout(t *testing.T) {
//		sandbox := ovotest.New(t)
//		phone := sandbox.NewWallet(100_000, 0)
//		shop := newShop(sandbox.SNAP()) // the code under test
//
//		binding := shop.link(phone.Number)
//		sandbox.Complete(binding.RedirectURL) // what the customer does on the page
//		shop.checkout("INV-1", 15_000)
//
//		if got := phone.Balance(); got.Cash != 85_000 {
//			t.Errorf("the wallet holds %d", got.Cash)
//		}
//	}
//
// [Sandbox.SNAP], [Sandbox.Jokul], [Sandbox.Push] and [Sandbox.Faspay] give clients
// of the sandbox's merchant, the …Config methods what they are made from.
// [Sandbox.Notify] says where the merchant hears notifications. [Sandbox.Complete],
// [Wallet.Approve] and [Wallet.Decline] are the customer. [Sandbox.Advance] lets time
// pass, so that what takes 70 seconds or 12 hours is tested at once.
//
// [Connect] gives the same for a sandbox that runs elsewhere, as in a CI job.
//
// A method that cannot do its work fails the test: all of them at once, but those
// of them that are documented to be for goroutines beside the test only report it.
// At its end a test of [New] fails if the sandbox's books do not balance.
package ovotest
