package sandbox

import "github.com/gerbang-pay/gerbang/internal/issuer"

// The JSON objects of the control API, for clients of it. docs/sandbox.md
// describes their members.
type (
	Merchant      = merchantView
	MerchantDOKU  = dokuView
	MerchantSNAP  = snapView
	Wallet        = walletView
	WalletLimits  = issuer.Limits
	OTP           = otpView
	Prompt        = issuer.Prompt
	PromptAnswer  = issuer.PromptAnswer
	Link          = issuer.Link
	Payment       = paymentView
	PaymentDetail = paymentDetail
	Notification  = notificationView
	Attempt       = attemptView
	Scenario      = scenario
	MagicPhone    = magicView
	Request       = request
	Problem       = problemDetails
)
