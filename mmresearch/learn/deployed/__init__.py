"""The learners as deployed, with their faults: data for the audit."""
