"""What Intake decides, as pure functions over plain values: no storage, no input or output, no clock."""
