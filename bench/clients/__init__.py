"""Normal requests beside clients that hold connections and send nothing whole."""
