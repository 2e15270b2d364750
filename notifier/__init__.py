"""From a recorded event to a delivered alert: plan, relay, deliver, and measure."""
