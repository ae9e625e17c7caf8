"""python -m topcoat"""

from topcoat.cli import main

if __name__ == "__main__":
    main()
