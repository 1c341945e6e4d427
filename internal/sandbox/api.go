package sandbox

// The JSON objects of the control API, for clients of it. docs/sandbox.md
// describes their members.
type (
	Merchant      = merchantView
	MerchantDOKU  = dokuView
	MerchantSNAP  = snapView
	Wallet        = walletView
	WalletLimits  = limitsView
	OTP           = otpView
	Prompt        = promptView
	Link          = linkView
	Payment       = paymentView
	PaymentDetail = paymentDetail
	Notification  = notificationView
	Attempt       = attemptView
	Scenario      = scenario
	MagicPhone    = magicView
	Request       = request
	Problem       = problemDetails
)
