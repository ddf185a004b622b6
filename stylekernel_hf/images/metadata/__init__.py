"""What the camera and the photographer wrote into a picture, kept in the repainted one."""
